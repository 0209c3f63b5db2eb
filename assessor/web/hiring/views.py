"""Hiring as managers do it: requisitions, panels, candidates, repositories, links; a panel looks on."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from assessor.models.hiring import Candidate, Requisition
from assessor.models.portfolio import Analysis
from assessor.services.errors import Conflict, Invalid
from assessor.services.unit import Unit
from assessor.web.access import action, authorise
from assessor.web.context import catalogue, enqueue, settings, signed_in, unit
from assessor.web.hiring.blueprint import pages
from assessor.web.hiring.forms import CandidateForm, InvitationForm, PanelForm, RepositoryForm, RequisitionForm
from assessor.web.hiring.panel import candidate_shown
from assessor.web.limits import limiter, per_person

__all__ = ["pages"]

LINK = "invitation"
"""Where the signed cookie keeps a link that was just made until the next page shows it, once."""

CLAIMED = " Without an address that they commit with the analysis stays claimed, and moves no level."


@pages.get("/hiring")
@action("hiring.list")
def index() -> ResponseReturnValue:
    """List the requisitions."""
    return _index(RequisitionForm.of(catalogue()))


@pages.post("/hiring")
@action("hiring.create")
@limiter.limit("60 per hour", key_func=per_person)
def create() -> ResponseReturnValue:
    """Open a requisition."""
    form = RequisitionForm.of(catalogue())
    if not form.sent():
        return _index(form), 400
    try:
        with unit(write=True) as u:
            found = u.hiring.open(signed_in(), form.title.data or "", form.role.data, form.layers.data or ())
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return _index(form), 400
    flash("The requisition is open. Put people on its panel, then add candidates.", "success")
    return redirect(url_for("hiring.show", requisition_id=found.id))


@pages.get("/hiring/<int:requisition_id>")
@action("hiring.see", owned=True)
def show(requisition_id: int) -> ResponseReturnValue:
    """Show a requisition."""
    return _page(requisition_id)


@pages.post("/hiring/<int:requisition_id>/close")
@action("hiring.manage", owned=True)
def close(requisition_id: int) -> ResponseReturnValue:
    """Close a requisition."""
    days = settings().candidate_days
    told = f"Closed. Candidates are deleted with everything of theirs in {days} days, and see from now on what they were given."
    return _change(requisition_id, lambda u, one: u.hiring.close(signed_in(), one), told)


@pages.post("/hiring/<int:requisition_id>/reopen")
@action("hiring.manage", owned=True)
def reopen(requisition_id: int) -> ResponseReturnValue:
    """Open a closed requisition again."""
    return _change(requisition_id, lambda u, one: u.hiring.reopen(signed_in(), one), "The requisition is open again.")


@pages.post("/hiring/<int:requisition_id>/panel")
@action("hiring.manage", owned=True)
@limiter.limit("240 per hour", key_func=per_person)
def panel_join(requisition_id: int) -> ResponseReturnValue:
    """Put somebody on the panel."""
    form = PanelForm.of(())
    if form.sent():
        try:
            user_id = form.user.data
            return _change(
                requisition_id, lambda u, one: u.hiring.join_panel(signed_in(), one, user_id), "On the panel."
            )
        except (Invalid, Conflict) as error:
            form.refuse(error)
    return _page(requisition_id, panel=form), 400


@pages.post("/hiring/<int:requisition_id>/panel/<int:user_id>/remove")
@action("hiring.manage", owned=True)
def panel_leave(requisition_id: int, user_id: int) -> ResponseReturnValue:
    """Take somebody off the panel."""
    told = "Off the panel. What they had handed in stays; what they had begun is gone."
    return _change(requisition_id, lambda u, one: u.hiring.leave_panel(signed_in(), one, user_id), told)


@pages.post("/hiring/<int:requisition_id>/candidates")
@action("hiring.manage", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def candidate_add(requisition_id: int) -> ResponseReturnValue:
    """Add a candidate by a repository, and queue its analysis."""
    form = CandidateForm()
    if not form.sent():
        return _page(requisition_id, add=form), 400
    try:
        with unit(write=True) as u:
            requisition = u.hiring.requisition(requisition_id, lock=True)
            authorise(requisition)
            candidate, analysis = u.hiring.add(
                signed_in(), requisition, form.source.data or "", form.email.data, form.contact.data
            )
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return _page(requisition_id, add=form), 400
    enqueue(analysis.id)
    flash(
        f"{candidate.code_name} is added; the repository is analysed now.{'' if form.email.data else CLAIMED}",
        "success",
    )
    return redirect(url_for("hiring.candidate", requisition_id=requisition_id, candidate_id=candidate.id))


@pages.post("/hiring/<int:requisition_id>/invitations")
@action("hiring.manage", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def candidate_invite(requisition_id: int) -> ResponseReturnValue:
    """Add a candidate who brings their work by a link, and show the link once."""
    form = InvitationForm.of()
    if not form.sent():
        return _page(requisition_id, invite=form), 400
    try:
        with unit(write=True) as u:
            requisition = u.hiring.requisition(requisition_id, lock=True)
            authorise(requisition)
            candidate, token = u.candidacy.invite(signed_in(), requisition, form.contact.data)
    except (Invalid, Conflict) as error:
        form.refuse(error)
        return _page(requisition_id, invite=form), 400
    session[LINK] = [candidate.code_name, token]
    return redirect(url_for("hiring.show", requisition_id=requisition_id))


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/invitation")
@action("hiring.manage", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def invitation_renew(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Make a candidate's link anew, and show it once."""

    def renew(u: Unit, one: Candidate) -> None:
        session[LINK] = [one.code_name, u.candidacy.renew(signed_in(), one)]

    return _change_candidate(requisition_id, candidate_id, renew, None)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/invitation/revoke")
@action("hiring.manage", owned=True)
def invitation_revoke(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """End a candidate's link."""
    told = "The link is over, and every browser that came by it is signed out."
    return _change_candidate(requisition_id, candidate_id, lambda u, one: u.candidacy.revoke(signed_in(), one), told)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/remove")
@action("hiring.manage", owned=True)
def candidate_remove(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Delete a candidate with everything of theirs."""
    told = "The candidate is deleted, with everything of theirs."
    return _change_candidate(requisition_id, candidate_id, lambda u, one: u.hiring.remove(signed_in(), one), told)


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/repositories")
@action("hiring.manage", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def repository_add(requisition_id: int, candidate_id: int) -> ResponseReturnValue:
    """Add another repository of a candidate, and queue its analysis."""
    form = RepositoryForm()
    if form.sent():
        try:
            return _analyse(
                requisition_id,
                candidate_id,
                lambda u, one: u.hiring.add_repository(signed_in(), one, form.source.data or "", form.email.data),
            )
        except (Invalid, Conflict) as error:
            form.refuse(error)
    return candidate_shown(requisition_id, candidate_id, form), 400


@pages.post("/hiring/<int:requisition_id>/<int:candidate_id>/repositories/<int:repository_id>/rescan")
@action("hiring.manage", owned=True)
@limiter.limit("60 per hour", key_func=per_person)
def repository_rescan(requisition_id: int, candidate_id: int, repository_id: int) -> ResponseReturnValue:
    """Queue a new analysis of a candidate's repository."""
    return _analyse(requisition_id, candidate_id, lambda u, one: u.hiring.rescan(one, repository_id))


def _index(form: RequisitionForm) -> str:
    with unit() as u:
        lines = u.panel.requisitions(signed_in())
    return render_template("hiring/index.html", lines=lines, form=form, roles=catalogue().roles)


def _page(
    requisition_id: int,
    *,
    add: CandidateForm | None = None,
    invite: InvitationForm | None = None,
    panel: PanelForm | None = None,
) -> str:
    with unit() as u:
        requisition = u.hiring.requisition(requisition_id)
        authorise(requisition)
        page = u.panel.page(signed_in(), requisition)
    joining = panel or PanelForm.of(())
    joining.offer(page.colleagues)
    code_name, token = session.pop(LINK, (None, None)) if page.manages else (None, None)
    return render_template(
        "hiring/requisition.html",
        page=page,
        add_form=add or CandidateForm(formdata=None),
        invite_form=invite or InvitationForm(formdata=None, prefix="invite-"),
        panel_form=joining,
        invited=code_name,
        link=settings().base_url + url_for("hiring.invitation", token=token) if token else None,
        hosts=settings().git_hosts,
    )


def _change(requisition_id: int, act: Callable[[Unit, Requisition], object], told: str) -> ResponseReturnValue:
    """Change a requisition and go back to its page, with what came of it. Raises ServiceError."""
    with unit(write=True) as u:
        requisition = u.hiring.requisition(requisition_id, lock=True)
        authorise(requisition)
        act(u, requisition)
    flash(told, "success")
    return redirect(url_for("hiring.show", requisition_id=requisition_id))


def _change_candidate(
    requisition_id: int, candidate_id: int, act: Callable[[Unit, Candidate], object], told: str | None
) -> ResponseReturnValue:
    """Change a candidate and go back to the requisition. Raises ServiceError."""
    with unit(write=True) as u:
        candidate = _candidate(u, requisition_id, candidate_id)
        act(u, candidate)
    if told:
        flash(told, "success")
    return redirect(url_for("hiring.show", requisition_id=requisition_id))


def _analyse(requisition_id: int, candidate_id: int, act: Callable[[Unit, Candidate], Analysis]) -> ResponseReturnValue:
    """Store an analysis, queue it once it is committed, and go back to the candidate. Raises ServiceError."""
    with unit(write=True) as u:
        analysis = act(u, _candidate(u, requisition_id, candidate_id))
    enqueue(analysis.id)
    flash("The repository is analysed now.", "success")
    return redirect(url_for("hiring.candidate", requisition_id=requisition_id, candidate_id=candidate_id))


def _candidate(u: Unit, requisition_id: int, candidate_id: int) -> Candidate:
    """Return a candidate, with the requisition locked and the action allowed. Raises NotFound, Forbidden."""
    authorise(u.hiring.requisition(requisition_id, lock=True))
    return u.hiring.candidate(requisition_id, candidate_id)
