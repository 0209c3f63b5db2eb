"""What panels see and do: candidates and their evidence, blind reviews, the comparison, decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from assessor.models.hiring import Candidate, Requisition
from assessor.services.compare_page import ComparePage
from assessor.services.errors import Conflict, Forbidden, Invalid, NotFound
from assessor.services.unit import Unit
from assessor.web.access import action, authorise
from assessor.web.charts import Radar, Spoke, radar
from assessor.web.context import catalogue, signed_in, unit
from assessor.web.csvfile import csv_response
from assessor.web.evidence import evidence_shown
from assessor.web.hiring.blueprint import pages
from assessor.web.hiring.forms import DecisionForm, RepositoryForm
from assessor.web.limits import limiter, per_person
from assessor.web.profile_chart import profile_radar
from assessor.web.rubric import RubricForm

__all__ = ["candidate_shown", "pages"]

PER_PAGE = 12
"""Candidates that are compared on one page."""

Act = Callable[[Unit, Candidate, RubricForm], object]


@pages.get("/hiring/<int:requisition_id>/<int:candidate_id>")
@action("hiring.see", owned=True)
def candidate(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Show a candidate."""
    return candidate_shown(requisition_id, candidate_id, RepositoryForm(formdata=None))


@pages.get("/hiring/<int:requisition_id>/<int:candidate_id>/evidence/<uuid:analysis_id>/<signal_key>")
@action("hiring.see", owned=True)
def evidence(requisition_id: int, candidate_id: int, analysis_id: UUID, signal_key: str) -> ResponseReturnValue:
    """Show what an analysis of a candidate found for one signal, line by line; scrubbed for panellists."""
    with unit() as u:
        found = _known(u, requisition_id, candidate_id)
        page = u.panel.evidence(signed_in(), found, str(analysis_id), signal_key)
        unseen = u.panel.unrecorded(signed_in(), found.requisition, {found.person_id: False})
    _looked(found.requisition, unseen)
    return render_template("hiring/evidence.html", candidate=found, **evidence_shown(catalogue(), page))


@pages.get("/hiring/<int:requisition_id>/<int:candidate_id>/review")
@action("hiring.see", owned=True)
def review(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Show the form of the own review, with the evidence beside it."""
    return _review_page(requisition_id, candidate_id)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/review/draft")
@action("hiring.review", owned=True)
@limiter.limit("240 per hour", key_func=per_person)
def review_draft(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Keep what was written so far."""

    def save(u: Unit, one: Candidate, form: RubricForm) -> None:
        u.panel.save_draft(signed_in(), one, form.ratings(), form.notes(), form.stamp.data)

    here = url_for("hiring.review", requisition_id=requisition_id, candidate_id=candidate_id)
    return _send(requisition_id, candidate_id, save, "The draft is saved. Nobody but you sees it.", here)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/review")
@action("hiring.review", owned=True)
@limiter.limit("120 per hour", key_func=per_person)
def review_submit(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Hand the own review in."""

    def hand_in(u: Unit, one: Candidate, form: RubricForm) -> None:
        u.panel.hand_in(signed_in(), one, form.ratings(), form.notes(), form.stamp.data)

    there = url_for("hiring.candidate", requisition_id=requisition_id, candidate_id=candidate_id)
    told = "Your review is handed in, and counts. You see now what the others handed in."
    return _send(requisition_id, candidate_id, hand_in, told, there)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/review/amend")
@action("hiring.review", owned=True)
@limiter.limit("120 per hour", key_func=per_person)
def review_amend(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Change what was handed in, for a reason."""

    def amend(u: Unit, one: Candidate, form: RubricForm) -> None:
        u.panel.amend(signed_in(), one, form.ratings(), form.notes(), form.reason.data or "", form.stamp.data)

    there = url_for("hiring.candidate", requisition_id=requisition_id, candidate_id=candidate_id)
    told = "The review is amended. What it said before stays, and the reason is shown to the panel."
    return _send(requisition_id, candidate_id, amend, told, there)


@pages.get("/hiring/<int:requisition_id>/compare")
@action("hiring.see", owned=True)
def compare(requisition_id: int) -> ResponseReturnValue:
    """Show candidates side by side, some at a time."""
    number = max(request.args.get("page", 1, type=int), 1)
    page, count = _compared(requisition_id, slice((number - 1) * PER_PAGE, number * PER_PAGE))
    return render_template(
        "hiring/compare.html",
        page=page,
        charts={column.id: _small(page, index) for index, column in enumerate(page.columns)},
        number=number,
        last=max(-(-count // PER_PAGE), 1),
    )


@pages.get("/hiring/<int:requisition_id>/compare.csv")
@action("hiring.see", owned=True)
def compare_file(requisition_id: int) -> ResponseReturnValue:
    """Hand out the comparison as a table, a row for each candidate and layer."""
    page, _ = _compared(requisition_id, slice(None))
    rows: list[list[str | float | None]] = [
        ["candidate", "layer", "level", "low", "high", "target", "reviewed by the panel", "reviews shown", "verdict"]
    ]
    for column in page.columns:
        for row in page.rows:
            own = next(standing for other, standing in row.standings if other is column)
            levels = [None if one is None else round(one, 2) for one in (own.level, own.low, own.high)]
            reviews = len(column.reviews) if column.sight.open else "not yet"
            verdict = column.decision.verdict if column.decision else ""
            rows.append(
                [
                    column.code_name,
                    row.layer.key,
                    *levels,
                    row.target,
                    "yes" if row.reviewed else "no",
                    reviews,
                    verdict,
                ]
            )
    return csv_response(f"candidates-{requisition_id}.csv", rows)


@pages.get("/hiring/<int:requisition_id>/<int:candidate_id>/decision")
@action("hiring.see", owned=True)
def decision(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Show what a decision rests on, and the decisions that were made."""
    return _decision_page(requisition_id, candidate_id, DecisionForm(formdata=None))


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/decision")
@action("hiring.decide", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def decision_submit(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Record a decision."""
    form, status = DecisionForm(), 400
    if form.sent():
        try:
            with unit(write=True) as u:
                authorise(u.hiring.requisition(requisition_id, lock=True))
                found = u.hiring.candidate(requisition_id, candidate_id, decisions=True)
                u.panel.decide(signed_in(), found, form.verdict.data, form.reason.data or "")
            flash("The decision is recorded, with your name and what it rests on.", "success")
            return redirect(url_for("hiring.decision", requisition_id=requisition_id, candidate_id=candidate_id))
        except Invalid as error:
            form.refuse(error)
        except Conflict as error:
            form.refuse(error)
            status = 409
    return _decision_page(requisition_id, candidate_id, form), status


def candidate_shown(requisition_id: int, candidate_id: int, form: RepositoryForm) -> str:
    """Render the page of a candidate, with the form to add a repository for managers."""
    with unit() as u:
        found = _known(u, requisition_id, candidate_id)
        page = u.panel.candidate_page(signed_in(), found)
        unseen = u.panel.unrecorded(signed_in(), found.requisition, {found.person_id: bool(page.reviews)})
    _looked(found.requisition, unseen)
    return render_template(
        "hiring/candidate.html", page=page, view=page.profile, chart=profile_radar(page.profile, None), form=form
    )


def _review_page(
    requisition_id: int, candidate_id: int, form: RubricForm | None = None, problem: Conflict | None = None
) -> str:
    with unit() as u:
        found = _known(u, requisition_id, candidate_id)
        if signed_in().user_id not in found.requisition.panel_ids:
            raise Forbidden(
                "You are not on the panel of this requisition.",
                "A manager can put you on it, unless you have seen what its panel says.",
            )
        own = u.panel.own_review(signed_in(), found)
        rubric = u.review.rubric(own)
        beside = u.panel.beside(signed_in(), found, own)
        unseen = u.panel.unrecorded(signed_in(), found.requisition, {found.person_id: False})
    _looked(found.requisition, unseen)
    return render_template(
        "hiring/review.html",
        candidate=found,
        own=own,
        rubric=rubric,
        beside=beside,
        form=form or RubricForm.of(rubric),
        problem=problem,
        closed=found.requisition.closed_at is not None,
    )


def _send(requisition_id: int, candidate_id: int, act: Act, told: str, there: str) -> ResponseReturnValue:
    """Read the form and act on it; where that cannot be, the page comes back with everything that was written."""
    form, problem, status, done = None, None, 400, False
    try:
        with unit(write=True) as u:
            authorise(u.hiring.requisition(requisition_id, lock=True))
            found = u.hiring.candidate(requisition_id, candidate_id)
            form = RubricForm.of(u.review.rubric(u.panel.own_review(signed_in(), found)))
            if form.sent():
                act(u, found, form)
                done = True
    except Invalid as error:
        assert form is not None
        form.refuse(error)
        done = False
    except Conflict as error:
        problem, status, done = error, 409, False
    if not done:
        return _review_page(requisition_id, candidate_id, form, problem), status
    flash(told, "success")
    return redirect(there)


def _compared(requisition_id: int, part: slice) -> tuple[ComparePage, int]:
    """Return the comparison of some candidates, and how many there are in all."""
    with unit() as u:
        requisition = u.hiring.requisition(requisition_id)
        authorise(requisition)
        page, count = u.panel.compare_page(signed_in(), requisition, part)
        shown = {column.person_id: bool(column.reviews) for column in page.columns}
        unseen = u.panel.unrecorded(signed_in(), requisition, shown)
    _looked(requisition, unseen)
    return page, count


def _decision_page(requisition_id: int, candidate_id: int, form: DecisionForm) -> str:
    with unit() as u:
        found = _known(u, requisition_id, candidate_id, decisions=True)
        page = u.panel.candidate_page(signed_in(), found, decisions=True)
        unseen = u.panel.unrecorded(signed_in(), found.requisition, {found.person_id: bool(page.reviews)})
    _looked(found.requisition, unseen)
    return render_template(
        "hiring/decision.html",
        page=page,
        form=form,
        framework=catalogue().framework.label,
        questions=catalogue().items_label,
    )


def _known(u: Unit, requisition_id: int, candidate_id: int, *, decisions: bool = False) -> Candidate:
    """Return a candidate, with the action allowed. Raises NotFound; who may see the requisition is told that they are gone."""
    try:
        found = u.hiring.candidate(requisition_id, candidate_id, decisions=decisions)
    except NotFound:
        authorise(u.hiring.requisition(requisition_id))
        raise
    authorise(found.requisition)
    return found


def _small(page: ComparePage, index: int) -> Radar:
    """Lay out the radar of one candidate."""
    spokes = []
    for row in page.rows:
        own = row.standings[index][1]
        spokes.append(
            Spoke(
                number=row.layer.id,
                short=row.layer.short,
                level=own.level,
                low=own.low,
                high=own.high,
                target=row.target,
            )
        )
    return radar(spokes)


def _looked(requisition: Requisition, places: Mapping[int, str]) -> None:
    """Record looks at candidates; a write only at the first look of a day, and before anything is handed out."""
    if places:
        with unit(write=True) as u:
            u.panel.looked(signed_in(), requisition, places)
