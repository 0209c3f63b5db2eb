"""What candidates see: the invitation, and the page of their application with the way out."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address

from assessor.services.errors import Invalid
from assessor.web.access import SESSION_KEY, action
from assessor.web.context import DRAFT, signed_in, unit
from assessor.web.hiring.blueprint import pages
from assessor.web.hiring.forms import ConsentForm
from assessor.web.limits import limiter
from assessor.web.sessions import start_session

__all__ = ["pages"]


@pages.get("/invitation/<token>")
@action("hiring.invitation")
@limiter.limit("120 per hour", key_func=get_remote_address)
def invitation(token: str) -> ResponseReturnValue:
    """Say who asks and what would be stored, and ask for consent; nothing happens by opening a link alone."""
    return _invitation(token, ConsentForm(formdata=None))


@pages.post("/invitation/<token>")
@action("hiring.invitation")
@limiter.limit("60 per hour", key_func=get_remote_address)
def invitation_accept(token: str) -> ResponseReturnValue:
    """Let the candidate in; who was signed in in this browser before is signed out."""
    form = ConsentForm()
    try:
        if not form.sent():
            raise Invalid({})
        with unit(write=True) as u:
            user_id = u.candidacy.accept(token, consent=bool(form.consent.data), name=form.name.data or "")
            before = session.get(SESSION_KEY)
            if before is not None:
                u.account.sign_out(before)
    except Invalid as error:
        form.refuse(error)
        return _invitation(token, form), 400
    draft = session.get(DRAFT)
    session.clear()
    if draft is not None:
        session[DRAFT] = draft  # answers from before are for an account of their own
    start_session(user_id)
    return redirect(url_for("hiring.application"))


@pages.get("/application")
@action("hiring.application")
def application() -> ResponseReturnValue:
    """Show a candidate how far they are, what is stored about them, and who looked."""
    with unit() as u:
        page = u.candidacy.application(signed_in())
    return render_template("hiring/application.html", page=page)


@pages.post("/application/withdraw")
@action("hiring.withdraw")
def withdraw() -> ResponseReturnValue:
    """Delete who acts, with everything of theirs, and sign them out."""
    with unit(write=True) as u:
        u.candidacy.withdraw(signed_in())
    session.clear()
    flash("Your application is withdrawn, and everything that was stored about you here is deleted.", "success")
    return redirect(url_for("home.index"))


def _invitation(token: str, form: ConsentForm) -> str:
    with unit() as u:
        invited = u.candidacy.invitation(token)
    return render_template("hiring/invitation.html", invited=invited, form=form, token=token)
