from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from assessor.content.schema import Catalogue
from assessor.measurement.fusion import Hyper
from assessor.models.profile import Evidence
from assessor.services.estimation import Proposal
from assessor.services.parameters import Parameters
from assessor.services.unit import UnitFactory
from tests.services.conftest import Clock
from tests.web.conftest import Browser, Person

ROLE = "ml-engineer"
REPOSITORY = "https://github.com/example/service"


def ratings(catalogue: Catalogue, level: str = "3") -> dict[str, str]:
    return {f"layer-{layer.key}": level for layer in catalogue.framework.layers}


def rate(unit: UnitFactory, person_id: int, catalogue: Catalogue, level: float) -> None:
    with unit(write=True) as u:
        u.profile.rate(person_id, ROLE, {layer.key: level for layer in catalogue.framework.layers})


def show_repository(unit: UnitFactory, person_id: int, grades: dict[str, int]) -> str:
    """Store a finished analysis that counts for a person."""
    with unit(write=True) as u:
        analysis = u.portfolio.add(person_id, REPOSITORY)
        analysis.state, analysis.report, analysis.confirmed = "running", "{}", True
        analysis.summary = {"grades": grades, "capped": {}}
        u.session.flush()
        u.portfolio.finish(analysis.id)
        return analysis.id


def load_demo(unit: UnitFactory, catalogue: Catalogue) -> int:
    with unit(write=True) as u:
        user = u.account.create("sam@demo.invalid", None, name="Sam Rivera", workspace="demo", demo=True)
        assert user.person is not None
        person_id = user.person.id
    rate(unit, person_id, catalogue, 2.5)
    return person_id


def words(page: str) -> str:
    """Return the text of a page as it is read, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def chosen(page: str, field: str) -> str | None:
    found = re.search(rf'name="{field}" value="([^"]*)" checked', page)
    return found[1] if found else None


def sign_in_again(person: Person, unit: UnitFactory) -> None:
    """Sign somebody in whose session has run out while the clock went on."""
    with unit(write=True) as u:
        key = u.account.sign_in(person.actor.user_id)
    with person.browser.client.session_transaction() as session:
        session["key"] = key


# Before there is an account


def test_a_visitor_rates_sees_dots_and_the_reason_signs_up_and_keeps_the_answers(
    visitor: Browser, unit: UnitFactory, catalogue: Catalogue
) -> None:
    answer = visitor.send("/start", role=ROLE, **ratings(catalogue, "4"))
    assert answer.location == "/start/result"
    page = visitor.open("/start/result")
    assert page.count('class="by-self"') >= 10
    assert re.search(r'name="sources" checked', page)
    assert "about 0.4 levels too high" in words(page)
    assert re.search(r"your 4\.0 in \w+ counts as 3\.0", words(page))
    visitor.send("/register", email="new@example.org", password="correct horse battery")
    assert "10 pieces of evidence" in words(visitor.open("/me"))
    page = visitor.open("/start")
    assert [chosen(page, f"layer-{layer.key}") for layer in catalogue.framework.layers] == ["4"] * 10
    visitor.open("/start/result", status=200)  # nothing is kept in the browser any more: back to the ratings


def test_a_repository_named_before_the_account_is_queued_with_it(
    visitor: Browser, queued: list[str], catalogue: Catalogue
) -> None:
    visitor.send("/start", role=ROLE, source=REPOSITORY, **ratings(catalogue))
    assert queued == []
    assert REPOSITORY in visitor.open("/start/result")
    visitor.send("/register", email="new@example.org", password="correct horse battery")
    assert len(queued) == 1


def test_the_start_page_shows_every_anchor_and_chooses_a_role_but_no_rating(
    visitor: Browser, catalogue: Catalogue
) -> None:
    page = visitor.open("/start")
    text = unescape(page)
    for layer in catalogue.framework.layers:
        assert all(anchor in text for anchor in layer.anchors[1:])
        assert chosen(page, f"layer-{layer.key}") == ""
    assert chosen(page, "role") == ROLE
    assert len(re.findall(r'type="radio"', page)) == len(catalogue.roles) + 10 * 7


def test_errors_keep_the_input(visitor: Browser, catalogue: Catalogue) -> None:
    given = ratings(catalogue, "2") | {"layer-data-engineering": "seven"}
    answer = visitor.send("/start", role="ai-tech-lead", source="ftp://example.org/x", **given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert chosen(page, "role") == "ai-tech-lead"
    assert chosen(page, "layer-systems-thinking") == "2"
    assert 'value="ftp://example.org/x"' in page
    assert "Only https addresses are fetched" in page


@pytest.mark.parametrize("fields", [{"role": "wizard"}, {"role": "\x00"}, {"role": ROLE, "source": "<b>" * 300}])
def test_answers_that_cannot_be_are_refused_with_the_form(visitor: Browser, fields: dict[str, str]) -> None:
    answer = visitor.send("/start", **fields)
    assert answer.status_code == 400
    assert "<b><b>" not in answer.get_data(as_text=True)


def test_nothing_rated_is_no_error_and_shows_nothing_measured(visitor: Browser) -> None:
    visitor.send("/start", role=ROLE)
    page = visitor.open("/start/result")
    assert "0 of 10 layers rated" in words(page)
    assert page.count('class="open"') == 10


def test_answers_can_be_changed_before_they_are_kept(visitor: Browser, catalogue: Catalogue) -> None:
    visitor.send("/start", role=ROLE, **ratings(catalogue, "5"))
    link = re.search(r"/start/[\w-]{30,}", visitor.open("/start/result"))
    assert link is not None
    assert chosen(visitor.open("/start"), "layer-systems-thinking") == "5"
    visitor.send("/start", role=ROLE, **ratings(catalogue, "1"))
    assert link[0] in visitor.open("/start/result")
    assert chosen(visitor.open("/start"), "layer-systems-thinking") == "1"


def test_the_resume_link_shows_the_answers_elsewhere_and_a_button_takes_them_over(
    visitor: Browser, ada: Person, unit: UnitFactory, catalogue: Catalogue, queued: list[str]
) -> None:
    visitor.send("/start", role=ROLE, source=REPOSITORY, **ratings(catalogue, "3"))
    link = re.search(r"/start/[\w-]{30,}", visitor.open("/start/result"))
    assert link is not None
    assert "10 of 10 layers rated" in words(ada.browser.open(link[0]))
    with unit() as u:
        assert u.profile.ratings(ada.id) == {}  # a link alone changes nothing
    assert ada.browser.send(link[0]).location == "/me"
    with unit() as u:
        assert set(u.profile.ratings(ada.id).values()) == {3.0}
    assert len(queued) == 1
    visitor.open(link[0], status=410)
    visitor.open("/start/result", status=410)
    assert chosen(visitor.open("/start"), "layer-systems-thinking") == ""


def test_another_browser_goes_on_with_the_answers(app: object, visitor: Browser, catalogue: Catalogue) -> None:
    visitor.send("/start", role=ROLE, **ratings(catalogue, "3"))
    link = re.search(r"/start/[\w-]{30,}", visitor.open("/start/result"))
    assert link is not None
    other = Browser(visitor.client.application.test_client())
    assert other.send(link[0]).location == "/start/result"
    assert "10 of 10 layers rated" in words(other.open("/start/result"))


def test_a_resume_link_is_over_after_thirty_days(visitor: Browser, catalogue: Catalogue, clock: Clock) -> None:
    visitor.send("/start", role=ROLE, **ratings(catalogue))
    link = re.search(r"/start/[\w-]{30,}", visitor.open("/start/result"))
    assert link is not None
    clock.forward(days=31)
    assert "30 days" in visitor.open(link[0], status=410)


def test_where_registration_needs_an_invitation_only_sign_in_is_offered(
    invited_only: Browser, catalogue: Catalogue
) -> None:
    invited_only.send("/start", role=ROLE, **ratings(catalogue))
    page = invited_only.open("/start/result")
    assert "Sign in to keep it" in page
    assert 'href="/register"' not in page


# Signed in


def test_somebody_signed_in_rates_and_adds_a_repository_in_one_go(
    ada: Person, unit: UnitFactory, queued: list[str], catalogue: Catalogue
) -> None:
    answer = ada.browser.send("/start", role=ROLE, source=REPOSITORY, **ratings(catalogue, "2"))
    assert answer.location == "/me"
    assert len(queued) == 1
    assert "is being analysed" in ada.browser.open("/me")
    with unit() as u:
        assert [one.source for one in u.portfolio.list(ada.id)] == [REPOSITORY]


def test_a_repository_that_cannot_be_added_leaves_the_ratings_unsaved_and_on_the_page(
    ada: Person, unit: UnitFactory, queued: list[str], catalogue: Catalogue
) -> None:
    with unit(write=True) as u:
        for number in range(20):
            u.portfolio.add(ada.id, f"https://github.com/example/other-{number}")
    answer = ada.browser.send("/start", role=ROLE, source=REPOSITORY, **ratings(catalogue, "2"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "20 of your analyses are waiting" in page
    assert chosen(page, "layer-systems-thinking") == "2"
    assert queued == []
    with unit() as u:
        assert u.profile.ratings(ada.id) == {}


def test_a_half_given_before_is_offered_again(ada: Person, unit: UnitFactory, catalogue: Catalogue) -> None:
    rate(unit, ada.id, catalogue, 2.5)
    assert chosen(ada.browser.open("/start"), "layer-systems-thinking") == "2.5"


def test_nothing_measured_has_dashed_axes_an_invitation_and_no_zero(ada: Person) -> None:
    page = ada.browser.open("/me")
    assert page.count('class="open"') == 10
    assert "Nothing is measured yet" in page
    assert page.count('class="card"') == 3
    assert "0.0" not in words(page)
    layer = ada.browser.open("/me/layers/data-engineering")
    assert "not measured" in layer
    assert "Three ways to measure" in layer
    assert "0.0" not in words(layer)


def test_my_radar_costs_at_most_four_queries(
    ada: Person, unit: UnitFactory, catalogue: Catalogue, statements: list[str]
) -> None:
    rate(unit, ada.id, catalogue, 3)
    show_repository(unit, ada.id, {"docker": 3, "unit-tests": 4})
    for path in ("/me", "/me/layers/production-infrastructure"):
        statements.clear()
        page = ada.browser.open(path)
        assert len(statements) <= 4, statements
        assert len(gzip.compress(page.encode())) <= 30_000


def test_my_radar_shows_interval_target_and_every_layer_as_a_table(
    ada: Person, unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    page = ada.browser.open("/me")
    assert all(f'class="{line}"' in page for line in ("band", "target", "score"))
    for layer in catalogue.framework.layers:
        assert f'href="/me/layers/{layer.key}"' in page
    assert "Growth" not in page  # nothing to compare with on the first day
    assert "/start" in page


def test_the_past_can_be_seen_and_compared(ada: Person, unit: UnitFactory, catalogue: Catalogue, clock: Clock) -> None:
    rate(unit, ada.id, catalogue, 1)  # March 2026
    clock.forward(days=400)
    rate(unit, ada.id, catalogue, 5)
    with unit(write=True) as u:
        key = u.account.sign_in(ada.actor.user_id)
    with ada.browser.client.session_transaction() as session:
        session["key"] = key
    now, then = ada.browser.open("/me"), ada.browser.open("/me?at=2026-06")
    assert 'value="2027-04" selected' in now
    assert 'value="2026-06" selected' in then
    assert "20 pieces" in words(now)
    assert "10 pieces" in words(then)
    assert 'class="earlier"' in now
    assert "Growth" in now
    assert "Since 2026-12" in words(ada.browser.open("/me?since=2026-12"))
    before = ada.browser.open("/me?at=2025-06")
    assert "Nothing had been measured by 2025-06" in before
    assert before.count('class="open"') == 10


@pytest.mark.parametrize("month", ["", "x", "2026-13", "0001-01", "9999-12", "2026-1-1", "%00", "-1", "٢٠٢٦-٠١"])
def test_a_month_that_cannot_be_is_as_good_as_none(
    ada: Person, unit: UnitFactory, catalogue: Catalogue, month: str
) -> None:
    rate(unit, ada.id, catalogue, 3)
    assert "10 pieces" in words(ada.browser.open(f"/me?at={month}&since={month}"))


def test_another_target_can_be_chosen_without_rating_again(
    ada: Person, unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    assert ada.browser.send("/me/target", shown_at="/me", role="ai-tech-lead").location == "/me"
    page = ada.browser.open("/me")
    assert "target: AI tech lead" in page
    assert "10 pieces" in words(page)
    assert ada.browser.send("/me/target", shown_at="/me", role="wizard").status_code == 400


def test_a_layer_shows_levels_evidence_shares_and_what_raises_it(
    ada: Person, unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    analysis = show_repository(unit, ada.id, {"docker": 3, "unit-tests": 4})
    page = ada.browser.open("/me/layers/production-infrastructure")
    with unit() as u:
        repository = u.portfolio.list(ada.id)[0].id
    layer = catalogue.framework.layers[3]
    assert all(anchor in unescape(page) for anchor in layer.anchors)
    assert page.count('aria-current="true"') == 1
    assert f'href="/evidence/{analysis}/docker"' in page
    assert f'href="/portfolio/{repository}"' in page
    assert "raise by one level what your repositories show" in words(page)
    ada.browser.open("/me/layers/alchemy", status=404)


def test_a_profile_is_for_its_owner(
    visitor: Browser, ada: Person, signed_in: Callable[[str], Person], unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    for path in ("/me", "/me/layers/data-engineering"):
        assert visitor.client.get(path).location.startswith("/login?next=")
    assert "Nothing is measured yet" in signed_in("eve@example.org").browser.open("/me")


# The demo


def test_the_demo_is_read_without_signing_in_and_links_to_nothing_private(
    visitor: Browser, unit: UnitFactory, catalogue: Catalogue
) -> None:
    person_id = load_demo(unit, catalogue)
    show_repository(unit, person_id, {"docker": 3, "unit-tests": 4})
    page = visitor.open("/demo")
    layer = visitor.open("/demo/layers/production-infrastructure")
    assert "Sam Rivera" in page
    assert '<path class="score"' in page
    assert 'href="/demo/layers/production-infrastructure"' in page
    for private in ('href="/evidence', 'href="/portfolio', 'href="/me'):
        assert private not in page + layer
    visitor.open("/demo/layers/alchemy", status=404)


def test_without_a_demo_the_page_says_how_to_load_one(visitor: Browser) -> None:
    assert "assessor demo load" in visitor.open("/demo", status=404)


def test_the_demo_user_sees_the_demo_person_and_changes_nothing(
    visitor: Browser, unit: UnitFactory, catalogue: Catalogue
) -> None:
    person_id = load_demo(unit, catalogue)
    visitor.send("/demo/sign-in", shown_at="/")
    assert "Sam Rivera" in visitor.open("/me")
    assert visitor.send("/start", role=ROLE, **ratings(catalogue, "5")).location == "/start/result"
    assert visitor.send("/me/target", shown_at="/start", role="ai-tech-lead").status_code == 403
    with unit() as u:
        assert set(u.profile.ratings(person_id).values()) == {2.5}
        assert u.profile.chosen(person_id) == ROLE


# How scores are made


def test_the_explanation_takes_its_figures_and_signals_from_where_they_are_used(
    visitor: Browser, catalogue: Catalogue
) -> None:
    page = visitor.open("/how-scores-are-made")
    text = unescape(page)
    assert len(gzip.compress(page.encode())) <= 30_000
    assert all(level.sentence in text for level in catalogue.framework.levels)
    for signal in catalogue.framework.signals.values():
        assert page.count(f'<dt id="{signal.key}">') == 1
        assert signal.counts in text
    assert "rates all ten layers 4.0 and shows nothing else gets 3.0" in words(page)


def test_a_verified_layer_says_so(ada: Person, unit: UnitFactory, catalogue: Catalogue, clock: Clock) -> None:
    rate(unit, ada.id, catalogue, 3)
    with unit(write=True) as u:
        at = clock.now - timedelta(days=3)
        u.session.add_all(
            Evidence(person_id=ada.id, at=at, layer=2, level=3.5, instrument="review", source=f"rater-{n}")
            for n in range(3)
        )
    page = ada.browser.open("/me")
    assert page.count("✓ verified") == 1
    layer = words(ada.browser.open("/me/layers/data-engineering"))
    assert re.search(r"✓ \d+% of the weight is from quizzes or independent reviews; 30% is needed", layer)
    assert "quicker way" not in layer


def test_a_layer_says_what_is_missing_for_verified_and_the_quicker_way(
    ada: Person, unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    page = ada.browser.open("/me/layers/data-engineering")
    assert "Not yet: 0% of the weight is from quizzes and independent reviews, 30% is needed." in words(page)
    assert re.search(r"The quicker way is a quiz of this layer : ten questions make it about \d\d%", words(page))
    assert 'href="/quiz?layer=data-engineering"' in page
    assert 'href="/reviews?layer=data-engineering"' in page
    assert "Fresh: the newest evidence is of 2 Mar 2026" in words(page)


def test_old_evidence_says_since_when_and_what_renews_it(
    ada: Person, unit: UnitFactory, catalogue: Catalogue, clock: Clock
) -> None:
    with unit(write=True) as u:
        u.session.add(
            Evidence(person_id=ada.id, at=clock.now, layer=2, level=3.5, noise_sd=0.3, instrument="quiz", source="quiz")
        )
    assert "old evidence" not in ada.browser.open("/me")
    clock.forward(days=700)
    sign_in_again(ada, unit)
    assert "old evidence: 2026-03" in ada.browser.open("/me")
    layer = words(ada.browser.open("/me/layers/data-engineering"))
    found = re.search(
        r"Old since (\d+ \w+ \d{4}) : the newest evidence is of 2 Mar 2026 , and the interval has grown from "
        r"±(\d\.\d) to ±(\d\.\d)\. A quiz of today would make it ±(\d\.\d), a review ±(\d\.\d)",
        layer,
    )
    assert found is not None, layer
    then, now, quiz, review = (float(found[place]) for place in (2, 3, 4, 5))
    assert then < now
    assert max(quiz, review) < now


def test_growth_is_a_real_change_or_within_noise_with_the_smallest_that_would_show(
    ada: Person, unit: UnitFactory, catalogue: Catalogue, clock: Clock
) -> None:
    def quiz(*levels: float) -> None:
        with unit(write=True) as u:
            u.session.add_all(
                Evidence(
                    person_id=ada.id, at=clock.now, layer=layer, level=level, noise_sd=0.25, instrument="quiz",
                    source="quiz",
                )
                for layer, level in enumerate(levels)
            )  # fmt: skip

    quiz(1.0, 3.0)
    clock.forward(days=360)
    quiz(3.5, 3.2)
    sign_in_again(ada, unit)
    page = words(ada.browser.open("/me"))
    assert re.search(r"\+1\.\d real change", page)
    shown = re.search(r"\+0\.\d within noise \((\d\.\d)\)", page)
    assert shown is not None
    real = words(ada.browser.open("/me/layers/mathematical-foundations"))
    assert "a real change: more than noise would make in any of ten layers" in real
    noise = words(ada.browser.open("/me/layers/model-understanding"))
    assert (
        f"within noise. The estimate is cautious, drawn towards 0; the smallest growth that would show here is {shown[1]}."
        in noise
    )


def test_levels_name_the_calibration_they_were_computed_with(
    ada: Person, visitor: Browser, unit: UnitFactory, catalogue: Catalogue
) -> None:
    rate(unit, ada.id, catalogue, 3)
    pages = (lambda: ada.browser.open("/me/layers/data-engineering"), lambda: visitor.open("/how-scores-are-made"))
    for page in pages:
        assert "with the defaults of the model" in words(page())
    with unit(write=True) as u:
        proposal = Proposal(u.calibration.current, Parameters(Hyper(q=0.49)), (), (), (), people=34, rows=2710)
        u.calibration.store(proposal, by="operator")
    for page in pages:
        assert "with calibration 1 of 2 Mar 2026" in words(page())
    told = words(visitor.open("/how-scores-are-made"))
    assert "estimated from 2,710 pieces of evidence of 34 people" in told
    assert "A level drifts by about ±0.7 a year" in told
    data = json.loads(ada.browser.open("/settings/export"))
    assert data["levels"]["calibration"]["number"] == 1


def test_the_worked_example_is_the_demo_persons_and_adds_up(
    visitor: Browser, unit: UnitFactory, catalogue: Catalogue, statements: list[str]
) -> None:
    made_up = words(visitor.open("/how-scores-are-made"))
    assert "of a person who is made up" in made_up
    person_id = load_demo(unit, catalogue)
    show_repository(unit, person_id, {"docker": 3, "unit-tests": 4})
    statements.clear()
    page = visitor.open("/how-scores-are-made")
    assert len(statements) == 1
    assert len(gzip.compress(page.encode())) <= 30_000
    told = words(page)
    assert "of Sam Rivera , the person of the demo" in told
    found = re.search(r"(2\.5(?: [+−] \d\.\d\d)+) = (\d\.\d\d) \.", told)
    assert found is not None, told
    terms = [float(term) for term in found[1].replace("− ", "-").replace("+ ", "").split()]
    assert sum(terms) == pytest.approx(float(found[2]), abs=0.005 * len(terms))
    key = re.search(r'href="/demo/layers/([a-z-]+)">', page)
    assert key is not None
    with unit() as u:
        view = u.profile.view(person_id)
    level = next(one.level for one in view.layers if one.layer.key == key[1])
    assert level == pytest.approx(float(found[2]), abs=0.006)
