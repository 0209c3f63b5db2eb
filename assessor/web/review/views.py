"""Reviews: what is asked of whom, the rubric to fill in, and what was handed in with its trace."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from assessor.models.review import Review
from assessor.services.errors import Conflict, Invalid, NotFound
from assessor.services.evidence_beside import check_look, evidence_beside, shows_evidence
from assessor.services.review_page import name_of, review_page, subject_of
from assessor.services.unit import Unit
from assessor.web.access import action, authorise
from assessor.web.context import catalogue, signed_in, unit
from assessor.web.evidence import evidence_shown
from assessor.web.limits import limiter, per_person
from assessor.web.review.forms import AskForm, SelfForm
from assessor.web.rubric import RubricForm

__all__ = ["pages"]

pages = Blueprint("review", __name__)

Act = Callable[[Unit, Review, RubricForm], object]


@pages.get("/reviews")
@action("review.list")
def index() -> ResponseReturnValue:
    """List what is asked of who looks, what they wrote of themselves, and what was written of them."""
    return _index()


@pages.post("/reviews/self")
@action("review.ask")
@limiter.limit("60 per hour", key_func=per_person)
def begin() -> ResponseReturnValue:
    """Open a review of oneself."""
    form = SelfForm.of(catalogue().framework.layers)
    if not form.sent():
        return _index(self_form=form), 400
    try:
        with unit(write=True) as u:
            review = u.review.start_self(signed_in(), form.layer.data)
    except NotFound as error:
        form.refuse(error)
        return _index(self_form=form), 400
    return redirect(url_for("review.show", review_id=review.id))


@pages.post("/reviews/ask")
@action("review.ask")
@limiter.limit("60 per hour", key_func=per_person)
def ask() -> ResponseReturnValue:
    """Ask a colleague for a review of who asks."""
    who = signed_in()
    with unit() as u:
        form = AskForm.of(catalogue().framework.layers, u.review.peers(who))
    if not form.sent():
        return _index(ask_form=form), 400
    try:
        with unit(write=True) as u:
            u.review.ask_peer(who, form.reviewer.data, form.layer.data)
    except (NotFound, Conflict) as error:
        form.refuse(error)
        return _index(ask_form=form), 400
    flash("Your colleague is asked: the review is under their Reviews now. Tell them; no mail is sent.", "success")
    return redirect(url_for("review.index"))


@pages.get("/reviews/<int:review_id>")
@action("review.see", owned=True)
def show(review_id: int) -> ResponseReturnValue:
    """Show a review: its form to the reviewer, what was handed in to both sides."""
    return _page(review_id, amends="amend" in request.args)


@pages.post("/reviews/<int:review_id>/draft")
@action("review.write", owned=True)
@limiter.limit("240 per hour", key_func=per_person)
def draft(review_id: int) -> ResponseReturnValue:
    """Keep what was written so far."""

    def save(u: Unit, review: Review, form: RubricForm) -> None:
        u.review.save_draft(review, form.ratings(), form.notes(), stamp=form.stamp.data)

    return _send(review_id, save, "The draft is saved. Nobody but you sees it.")


@pages.post("/reviews/<int:review_id>/submit")
@action("review.write", owned=True)
@limiter.limit("120 per hour", key_func=per_person)
def submit(review_id: int) -> ResponseReturnValue:
    """Hand the review in."""

    def hand_in(u: Unit, review: Review, form: RubricForm) -> None:
        u.review.submit(review, form.ratings(), form.notes(), stamp=form.stamp.data)

    return _send(review_id, hand_in, "The review is handed in, and counts.")


@pages.post("/reviews/<int:review_id>/amend")
@action("review.write", owned=True)
@limiter.limit("120 per hour", key_func=per_person)
def amend(review_id: int) -> ResponseReturnValue:
    """Change what was handed in, for a reason."""

    def change(u: Unit, review: Review, form: RubricForm) -> None:
        u.review.amend(review, form.ratings(), form.notes(), form.reason.data or "", stamp=form.stamp.data)

    return _send(review_id, change, "The review is amended. What it said before stays in its trace.")


@pages.post("/reviews/<int:review_id>/end")
@action("review.end", owned=True)
def end(review_id: int) -> ResponseReturnValue:
    """Decline a review as its reviewer, or take it back as who asked for it."""
    with unit(write=True) as u:
        review = u.review.between_two(review_id)
        authorise(review)
        u.review.end(signed_in(), review)
    flash("The review has ended; what was drafted is gone.", "success")
    return redirect(url_for("review.index"))


@pages.get("/reviews/<int:review_id>/evidence/<uuid:analysis_id>/<signal_key>")
@action("review.see", owned=True)
def evidence(review_id: int, analysis_id: UUID, signal_key: str) -> ResponseReturnValue:
    """Show what lies beside a review line by line, as /evidence shows it to its owner."""
    with unit() as u:
        review = u.review.between_two(review_id)
        authorise(review)
        found = u.portfolio.evidence(str(analysis_id), signal_key)
        check_look(review, found)
        unseen = _unseen(u, review)
    _looked(review, unseen)
    return render_template(
        "review/evidence.html", review=review, subject=subject_of(review), **evidence_shown(catalogue(), found)
    )


def _index(*, self_form: SelfForm | None = None, ask_form: AskForm | None = None) -> str:
    who, layers = signed_in(), catalogue().framework.layers
    chosen = request.args.get("layer")
    with unit() as u:
        lists, peers = u.review.lists(who), u.review.peers(who)
    return render_template(
        "review/index.html",
        lists=lists,
        peers=peers,
        names={layer.key: layer.name for layer in layers},
        name_of=name_of,
        subject_of=subject_of,
        self_form=self_form or SelfForm.of(layers, chosen),
        ask_form=ask_form or AskForm.of(layers, peers, chosen),
    )


def _send(review_id: int, act: Act, done: str) -> ResponseReturnValue:
    """Read the form and act on it; where that cannot be, the page comes back with everything that was written."""
    form, problem, status, sent = None, None, 400, False
    try:
        with unit(write=True) as u:
            review = u.review.between_two(review_id)
            authorise(review)
            form = RubricForm.of(u.review.rubric(review))
            sent = form.sent()
            if sent:
                act(u, review, form)
    except Invalid as error:
        assert form is not None
        form.refuse(error)
        sent = False
    except Conflict as error:
        problem, status, sent = error, 409, False
    if not sent:
        return _page(review_id, amends=True, form=form, problem=problem), status
    flash(done, "success")
    return redirect(url_for("review.show", review_id=review_id))


def _page(review_id: int, *, amends: bool, form: RubricForm | None = None, problem: Conflict | None = None) -> str:
    """Render a review: with the form where it can be written or amended, or where something was sent in vain."""
    who = signed_in()
    with unit() as u:
        review = u.review.between_two(review_id)
        authorise(review)
        page = review_page(catalogue(), review, who)
        asks = page.mode == "write" or (page.mode == "read" and page.writes and amends and not who.demo)
        looks = asks and shows_evidence(review)
        beside = evidence_beside(u.session, catalogue(), review) if looks else ()
        unseen = _unseen(u, review) if looks else False
    _looked(review, unseen)
    return render_template(
        "review/show.html",
        page=page,
        form=form or (RubricForm.of(page.rubric) if asks else None),
        asks=asks,
        beside=beside,
        problem=problem,
    )


def _unseen(u: Unit, review: Review) -> bool:
    """Tell whether this look at somebody else's evidence is not recorded yet today."""
    return bool(u.looks.missing(signed_in(), [review.person_id], _place(review)))


def _looked(review: Review, unseen: bool) -> None:
    if unseen:
        with unit(write=True) as u:
            u.looks.record(signed_in(), [review.person_id], _place(review))


def _place(review: Review) -> str:
    return f"review:{review.id}"
