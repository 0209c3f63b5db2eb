"""The demo as it is loaded: who is in it, that every part of the product has something to show, and that it goes again."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from assessor.cli import demo as commands
from assessor.cli.db import upgrade
from assessor.cli.demo import people
from assessor.cli.demo.reading import read_story
from assessor.cli.demo.story import Story
from assessor.config import Settings, resource_dir
from assessor.content.catalogue import ContentError, load_catalogue
from assessor.content.schema import Catalogue
from assessor.factory import create_unit
from assessor.models.account import UserAccount
from assessor.models.base import Base
from assessor.models.hiring import Candidate, Requisition
from assessor.models.portfolio import Analysis
from assessor.models.profile import Evidence, Person
from assessor.models.quiz import Answer, Attempt
from assessor.models.review import Review
from assessor.models.team import Team
from assessor.services.candidate_page import CandidatePage
from assessor.services.permissions import Actor
from assessor.services.standing import LayerStanding, stand
from assessor.services.unit import UnitFactory

STAYS = ("audit_entry", "alembic_version")
"""The log is append-only."""


def run(home: Path, *arguments: str, seed: int = 1) -> subprocess.CompletedProcess[str]:
    """Run a command on a data folder; sets and dicts of strings are in another order for another seed."""
    environment = {"PATH": os.environ["PATH"], "ASSESSOR_DATA_DIR": str(home), "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-m", "assessor", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)


@dataclass(frozen=True)
class Demo:
    """Be a loaded demo, what was written while it was loaded, and its services at the time of the test."""

    home: Path
    unit: UnitFactory
    told: str
    answer: str

    def person(self, name: str) -> int:
        with self.unit() as u:
            return u.session.scalars(select(Person.id).where(Person.name == name)).one()

    def standings(self) -> dict[str, tuple[LayerStanding, ...]]:
        """Return where everybody stands who has a name, by name."""
        with self.unit() as u:
            people = {person.id: person.name for person in u.session.scalars(select(Person)) if person.name}
            rows, parameters = u.calibration.evidence_of(people), u.calibration.current
        layers = self.unit.catalogue.framework.layers
        return {name: stand(layers, rows[whose], self.unit.clock(), parameters) for whose, name in people.items()}

    def actor(self, role: str) -> Actor:
        """Return who is signed in by one click."""
        with self.unit(write=True) as u:
            user_id = u.account.demo_user(role)  # type: ignore[arg-type]
            assert user_id is not None
            key = u.account.sign_in(user_id)
        with self.unit() as u:
            found = u.account.actor(key)
        assert found is not None
        return found


@contextmanager
def opened(home: Path) -> Iterator[UnitFactory]:
    unit = create_unit(Settings.for_tests(home))
    yield unit
    unit.engine.dispose()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Load the demo once, for all processes of a run."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    home = shared / "demo-home"
    with (shared / "demo-home.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not home.exists():
            run(home, "db", "upgrade")
            done = run(home, "demo", "load")
            (home / "told").write_text(done.stderr)
            (home / "answer").write_text(done.stdout)
    with opened(home) as unit:
        yield Demo(home, unit, (home / "told").read_text(), (home / "answer").read_text())


@pytest.fixture
def story(demo: Demo) -> Story:
    return read_story(resource_dir("rubrics"), demo.unit.catalogue)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of an installation that nobody uses yet."""
    found = Settings.for_tests(tmp_path / "data")
    found.data_dir.mkdir()
    upgrade(found)
    return found


def counts(unit: UnitFactory) -> dict[str, int]:
    with unit() as u:
        found = {
            table.name: u.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in STAYS
        }
    return {name: count for name, count in found.items() if count}


# Loading


def test_it_is_loaded_once_and_tells_how_far_it_is(demo: Demo) -> None:
    assert demo.answer == "The demo workspace is loaded.\n"
    told = re.findall(r"^Loading the demo, (\d+) of (\d+): \S.*$", demo.told, re.MULTILINE)
    assert len(told) == len(demo.told.splitlines()) >= 4
    assert told[0][0] == "0"
    assert told[-1][0] == told[-1][1]
    assert "there already" in run(demo.home, "demo", "load").stdout


def test_it_costs_seconds_and_no_minute(demo: Demo) -> None:
    """An analysis takes about 0.3 s and an answer 10 ms; whoever starts the service waits for all of them."""
    with demo.unit() as u:
        assert (u.session.scalar(select(func.count(Analysis.id))) or 0) <= 12
        assert (u.session.scalar(select(func.count(Answer.id))) or 0) <= 600


@pytest.mark.slow
def test_it_is_the_same_wherever_it_is_loaded(demo: Demo, tmp_path: Path) -> None:
    home = tmp_path / "data"
    run(home, "db", "upgrade", seed=2)
    run(home, "demo", "load", seed=2)
    with opened(home) as unit:
        again = Demo(home, unit, "", "")
        first, second = demo.standings(), again.standings()
        assert counts(unit) | {"sign_in": 0} == counts(demo.unit) | {"sign_in": 0}
        names = [[one.code_name for one in candidates(which)] for which in (demo, again)]
    assert names[0] == names[1]
    assert first.keys() == second.keys()
    for name, standings in first.items():
        for one, other in zip(standings, second[name], strict=True):
            assert other.level == (None if one.level is None else pytest.approx(one.level, abs=1e-3))


def test_nothing_is_left_when_it_fails_in_the_middle(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(people.PeoplePlay, "_join_team", fail)
    with pytest.raises(OSError, match="no space"):
        commands.load_if_empty(settings)
    assert not (settings.data_dir / "demo").exists()
    with opened(settings.data_dir) as unit:
        assert counts(unit) == {}
        with unit() as u:
            assert u.audit.verify() is None


def test_what_a_killed_process_left_is_loaded_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(settings.data_dir) as unit, unit(write=True) as u:
        u.demo.begin("Half")
        u.account.create("sam@demo.invalid", None, workspace="demo", demo=True)
    played = only_begin(monkeypatch)
    assert commands.load_if_empty(settings)
    assert not commands.load_if_empty(settings)
    assert played == [{}]


def test_a_database_that_somebody_uses_gets_no_demo_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(settings.data_dir) as unit, unit(write=True) as u:
        u.account.create("ada@example.org", None)
    assert only_begin(monkeypatch) == []
    assert not commands.load_if_empty(settings)


def only_begin(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """Let one person join and nothing happen, and note what was there when a story would have begun."""
    played: list[dict[str, int]] = []

    def play(world: people.World, *_: object) -> None:
        played.append(counts(world.unit))
        with world.unit(write=True) as u:
            workspace = u.demo.begin("Small")
            u.account.create("sam@demo.invalid", None, workspace="demo", demo=True)
            u.demo.finish(workspace)

    monkeypatch.setattr("assessor.cli.demo.play.play", play)
    return played


def test_what_it_cannot_do_it_says(tmp_path: Path) -> None:
    def say(*arguments: str) -> str:
        with pytest.raises(subprocess.CalledProcessError) as caught:
            run(tmp_path / "data", *arguments)
        assert "Traceback" not in caught.value.stderr
        return str(caught.value.stderr)

    assert "assessor db upgrade" in say("demo", "load")
    run(tmp_path / "data", "db", "upgrade")
    with opened(tmp_path / "data") as unit, unit(write=True) as u:
        u.account.create("ada@example.org", None, workspace="demo")
    assert "There is a workspace 'demo' already" in say("demo", "load")


def test_everything_of_it_goes_again(demo: Demo, tmp_path: Path) -> None:
    home = tmp_path / "data"
    shutil.copytree(demo.home / "demo", home / "demo")
    with (
        closing(sqlite3.connect(demo.home / "assessor.db")) as source,
        closing(sqlite3.connect(home / "assessor.db")) as target,
    ):
        source.backup(target)
    assert "is removed" in run(home, "demo", "remove").stdout
    assert not (home / "demo").exists()
    with opened(home) as unit:
        assert counts(unit) == {}
        with unit() as u:
            assert u.audit.verify() is None
            assert u.account.is_empty()
    assert "no demo" in run(home, "demo", "remove").stdout


def test_it_is_played_through_the_services_alone() -> None:
    for path in Path(commands.__file__).parent.glob("*.py"):
        found = re.findall(r"\bsession\b|\bsqlalchemy\b|\bsqlite3\b|\binsert\(|\.execute\(", path.read_text())
        assert found == [], path.name


# Who is in it


def test_twelve_engineers_work_in_three_teams_and_sam_is_the_first(demo: Demo) -> None:
    with demo.unit() as u:
        roles = [user.memberships[0].role for user in u.session.scalars(select(UserAccount).where(UserAccount.demo))]
        teams = u.session.scalars(select(Team)).all()
        first = u.account.demo_user()
        assert first is not None
        assert u.session.get_one(UserAccount, first).name == "Sam Rivera"
        assert u.profile.demo_person() == demo.person("Sam Rivera")
        assert {role: roles.count(role) for role in roles} == {"member": 12, "manager": 1, "panellist": 3}
        assert len(teams) == len({team.role_key for team in teams}) == 3
        assert len({member.person_id for team in teams for member in team.members}) == 12
        assert all(user.password is None for user in u.session.scalars(select(UserAccount)))


def test_a_team_shows_what_is_measured_what_is_not_and_what_is_private(demo: Demo) -> None:
    with demo.unit() as u:
        maps = [u.team.heatmap(u.team.team(team.slug)) for team in u.session.scalars(select(Team))]
    assert {cell.state for one in maps for row in one.rows for cell in row.cells} == {
        "measured",
        "unmeasured",
        "private",
    }
    decisions = [row.member.shares for one in maps for row in one.rows]
    assert None in decisions
    assert [] in decisions
    assert any(shares and len(shares) < 10 for shares in decisions)
    assert any(column.mean is not None for one in maps for column in one.columns)
    assert all(column.mean is None for one in maps if len(one.rows) < 5 for column in one.columns)


def test_people_have_the_shapes_that_the_story_tells(demo: Demo, story: Story) -> None:
    standings = demo.standings()
    for person in story.people:
        for layer, one in enumerate(standings[person.name]):
            if one.level is not None and person.name not in ("Dawit Tesfaye",):
                assert one.level == pytest.approx(person.level(layer, 0), abs=1.1), (person.name, layer)
    assert all(one.stale for one in standings["Helena Duarte"])
    assert [one.measured for one in standings["Dawit Tesfaye"]].count(True) == 1
    assert not any(one.measured for one in standings["Leila Haddad"])
    assert said_above_quiz(demo, "Oliver Whitcombe") > 1
    assert said_above_quiz(demo, "Aroha Ngata") < -0.75
    with demo.unit() as u:
        grown = u.profile.view(demo.person("Trần Minh Anh")).layers
    assert sum(one.change is not None and one.change.real for one in grown) >= 1


def said_above_quiz(demo: Demo, name: str) -> float:
    """Return how far the self-ratings of somebody lie above what the quiz says, on the mean."""
    with demo.unit() as u:
        rows = u.session.scalars(select(Evidence).where(Evidence.person_id == demo.person(name))).all()
    own, quiz = ([row.level for row in rows if row.instrument == kind] for kind in ("self", "quiz"))
    return sum(own) / len(own) - sum(quiz) / len(quiz)


# What happened


def test_every_instrument_speaks_and_one_layer_of_sam_has_all_four(demo: Demo) -> None:
    instruments = {"self", "quiz", "review", "repo"}
    with demo.unit() as u:
        whose = demo.person("Sam Rivera")
        rows = u.calibration.evidence_of([whose])[whose]
    assert {row.instrument for row in rows if row.layer == 3} == instruments
    for name, standings in demo.standings().items():
        for one in standings:
            if one.provenance:
                assert sum(one.provenance.values()) == pytest.approx(1), name
    assert set(demo.standings()["Sam Rivera"][3].provenance or ()) == instruments


def test_people_answer_as_people_do(demo: Demo) -> None:
    with demo.unit() as u:
        answers = u.session.scalars(select(Answer)).all()
        attempts = u.session.scalars(select(Attempt)).all()
    assert all(one.finished_at is not None and one.finished_at > one.started_at for one in attempts)
    assert {one.layer for one in attempts} > {None, 3}
    assert 0.4 < sum(bool(one.right) for one in answers) / len(answers) < 0.75
    assert any(one.unknown for one in answers)
    assert {one.confidence for one in answers} == {None, 30, 50, 75, 95}


def test_reviews_are_written_amended_declined_and_open(demo: Demo) -> None:
    with demo.unit() as u:
        reviews = [u.review.get(one) for one in u.session.scalars(select(Review.id).where(Review.kind != "panel"))]
    assert {one.state for one in reviews} == {"submitted", "declined", "asked"}
    assert {one.kind for one in reviews} == {"self", "peer"}
    versions = [version for one in reviews for version in one.versions]
    assert [version.reason for version in versions if version.number == 2] != []
    assert all(version.notes for version in versions)
    assert any(rating is None for version in versions for rating in version.ratings.values())
    assert any(rating is not None and rating % 1 for version in versions for rating in version.ratings.values())


# Hiring


def candidates(demo: Demo) -> list[Candidate]:
    with demo.unit() as u:
        return list(u.session.scalars(select(Candidate).order_by(Candidate.id)))


def seen(demo: Demo, actor: Actor) -> list[CandidatePage]:
    """Return the pages of all candidates as somebody sees them."""
    with demo.unit() as u:
        return [
            u.panel.candidate_page(
                actor, u.hiring.candidate(one.requisition_id, one.id, decisions=True), decisions=True
            )
            for one in candidates(demo)
        ]


def test_four_candidates_have_repositories_that_count_and_two_took_a_quiz(demo: Demo) -> None:
    with demo.unit() as u:
        persons = [one.person_id for one in candidates(demo)]
        assert len(persons) == 4
        repositories = [u.portfolio.list(person) for person in persons]
        taken = u.session.scalars(select(Attempt.person_id).where(Attempt.person_id.in_(persons))).all()
    assert all(len(own) == 1 and own[0].analyses[-1].confirmed for own in repositories)
    assert sorted(taken) == sorted(persons[:2])


def test_the_manager_sees_who_is_missing_and_one_candidate_is_decided(demo: Demo) -> None:
    pages = seen(demo, demo.actor("manager"))
    assert [(one.sight.handed_in, one.sight.asked) for one in pages] == [(3, 3)] * 3 + [(2, 3)]
    assert [[decision.verdict for decision in one.decisions] for one in pages] == [["yes"], [], [], []]
    assert len(pages[0].decisions[0].reason) > 100


def test_the_panellist_has_one_review_left_and_sees_nothing_of_the_others(demo: Demo) -> None:
    pages = seen(demo, demo.actor("panellist"))
    assert [one.sight.open for one in pages] == [True, True, True, False]
    left = pages[3].sight
    assert left.shown == ()
    assert left.handed_in is None
    assert left.own is not None
    assert left.own.draft is not None


def test_a_panel_that_disagrees_says_why(demo: Demo) -> None:
    with demo.unit() as u:
        requisition = u.hiring.requisition(u.session.scalars(select(Requisition.id)).one())
        page, _ = u.panel.compare_page(demo.actor("manager"), requisition)
        widest = page.splits[0]
        reviews = [one for one in u.session.scalars(select(Review)) if one.candidate_id == widest.candidate_id]
        notes = [one.versions[-1].notes.get(widest.topic.key) for one in reviews]
    assert widest.spread >= 2
    assert all(notes)
    assert page.agreement.alpha is not None


# The story as content


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a copy of the content whose story a test may spoil."""
    folder = tmp_path / "rubrics"
    (folder / "demo").mkdir(parents=True)
    for sample in (resource_dir("rubrics") / "demo").iterdir():
        if sample.is_dir():
            (folder / "demo" / sample.name).mkdir()
    shutil.copy(resource_dir("rubrics") / "demo" / "story.yaml", folder / "demo")
    return folder


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(resource_dir("rubrics"))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("    rates: [24, 12, 1]\n", "", "'rates' is missing"),
        ("layer: systems-thinking", "layer: system-thinking", "did you mean 'systems-thinking'?"),
        ("{bottlenecks: 4.5,", "{bottleneck: 4.5,", "did you mean 'bottlenecks'?"),
        ("{bottlenecks: 4.5,", "{bottlenecks: 4.4,", "in steps of 0.5"),
        ("by: helena", "by: helen", "did you mean 'helena'?"),
        ("project: churn-service", "project: churn", "unknown 'churn'"),
        ("now: [3, 3.25,", "now: [3.25,", "there must be 10 levels, not 9"),
        ('verdict: "yes"', "verdict: hire", "unknown 'hire'"),
    ],
)
def test_a_mistake_in_the_story_is_told_with_its_line(
    content: Path, catalogue: Catalogue, right: str, wrong: str, told: str
) -> None:
    path = content / "demo" / "story.yaml"
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    with pytest.raises(ContentError, match=re.escape(told)) as caught:
        read_story(content, catalogue)
    line = text[: text.index(right)].count("\n") + 1
    assert any(line - 20 <= problem.line <= line + 1 for problem in caught.value.problems)


def test_a_story_without_a_part_is_refused(content: Path, catalogue: Catalogue) -> None:
    (content / "demo" / "story.yaml").write_text("seed: 1\n")
    with pytest.raises(ContentError, match="'people' is missing"):
        read_story(content, catalogue)
