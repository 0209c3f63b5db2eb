"""Sessions of browsers: what signing in leaves behind, whichever way somebody came."""

from __future__ import annotations

from flask import flash, request, session

from assessor.services.errors import ServiceError
from assessor.services.unit import Unit
from assessor.web.access import SESSION_KEY
from assessor.web.context import DRAFT, enqueue, unit

__all__ = ["start_session"]


def start_session(user_id: int) -> None:
    """Give the browser a session of its own, and make answers it gave before into ratings of the person."""
    draft = session.get(DRAFT)
    queued = None
    with unit(write=True) as u:
        key = u.account.sign_in(user_id, request.user_agent.string)
        who = u.account.actor(key)
        # Everybody can be the demo user, and a panel sees a candidate's ratings: both keep them for their own account.
        if draft and who and not who.demo and who.candidate_id is None:
            session.pop(DRAFT)
            queued = _claim(u, who.person_id, draft)
    session[SESSION_KEY] = key
    session.permanent = True
    if queued:
        enqueue(queued)


def _claim(u: Unit, person_id: int, draft: str) -> str | None:
    """Take over a draft and return the analysis to queue, if it named a repository."""
    try:
        answers = u.profile.claim_draft(person_id, draft)
    except ServiceError:
        flash("The answers from before you signed in were kept for 30 days and are gone.", "info")
        return None
    source = answers.get("source")
    if not source:
        return None
    try:
        analysis = u.portfolio.add(person_id, source).id
    except ServiceError as error:
        flash(f"Your ratings are saved. The repository was not added: {error.cause} {error.cure}", "error")
        return None
    return analysis
