"""Settings: identities, sessions, workspace, invitations, all own data; the demo's sign-in and everybody's sign-out."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from assessor.models.account import WorkspaceRole
from assessor.services.errors import Gone, Invalid, NotFound, ServiceError
from assessor.services.identity import CHALLENGE_FILE
from assessor.services.unit import Unit
from assessor.web.access import SESSION_KEY, action
from assessor.web.account.forms import DeleteForm, IdentityForm, InviteForm
from assessor.web.account.sign_in import is_password, send_mail
from assessor.web.context import now, settings, signed_in, unit
from assessor.web.limits import limiter, per_person
from assessor.web.sessions import start_session

__all__ = ["pages"]

pages = Blueprint("account", __name__)

DEMO_ROLES: dict[str, tuple[WorkspaceRole, str]] = {
    "engineer": ("member", "/me"),
    "manager": ("manager", "/team"),
    "panellist": ("panellist", "/hiring"),
}
"""Whom one can be in the demo, and where each begins."""

LINK_SECONDS = 2 * 24 * 3600
"""How long a mailed link that confirms an identity is valid."""


@pages.get("/settings")
@action("account.see")
def show() -> ResponseReturnValue:
    """Show everything that can be set."""
    return _page(IdentityForm(), InviteForm(), DeleteForm())


@pages.post("/settings/identities")
@action("account.change")
def identity_add() -> ResponseReturnValue:
    """Add a git address; it counts once it is confirmed."""
    form = IdentityForm()
    if not form.sent():
        return _page(form, InviteForm(), DeleteForm()), 400
    who = signed_in()
    return _do(
        lambda u: u.identity.claim(who.person_id, form.email.data or ""), "The address is added. Now confirm it."
    )


@pages.post("/settings/identities/<int:identity_id>/remove")
@action("account.change")
def identity_remove(identity_id: int) -> ResponseReturnValue:
    """Remove a git address."""
    who = signed_in()
    return _do(lambda u: u.identity.forget(who.person_id, identity_id), "The address is removed.")


@pages.post("/settings/identities/<int:identity_id>/mail")
@action("account.change")
@limiter.limit("5 per hour", key_func=per_person)
def identity_mail(identity_id: int) -> ResponseReturnValue:
    """Mail a link to a git address that confirms it."""
    who = signed_in()
    with unit() as u:
        found = next((one for one in u.identity.of(who.person_id) if one.id == identity_id), None)
    if found is None or settings().mail_server is None:
        raise NotFound("There is no such address to confirm by mail.", "Confirm it with a commit instead.")
    link = settings().base_url + url_for(
        "account.identity_confirm", token=_serializer().dumps([who.person_id, found.email])
    )
    send_mail("Confirm your commit address", found.email, _IDENTITY_MAIL.format(link=link))
    flash(f"A link is on its way to {found.email}. It is valid for two days.", "success")
    return redirect(url_for("account.show"))


@pages.get("/settings/identities/confirm/<token>")
@action("account.see")
def identity_confirm(token: str) -> ResponseReturnValue:
    """Ask to press the button; a mail scanner that follows links must not confirm anything."""
    return render_template("account/confirm.html", email=_mailed(token), token=token)


@pages.post("/settings/identities/confirm/<token>")
@action("account.change")
def identity_confirm_submit(token: str) -> ResponseReturnValue:
    """Confirm a git address by the link that was mailed to it."""
    who, email = signed_in(), _mailed(token)
    return _do(
        lambda u: u.identity.confirm(who.person_id, email, "mail", actor=f"user:{who.user_id}"),
        f"{email} is confirmed. Rescan your repositories to count what it wrote.",
    )


@pages.post("/settings/sessions/<int:sign_in_id>/revoke")
@action("account.change")
def session_revoke(sign_in_id: int) -> ResponseReturnValue:
    """Sign one browser out."""
    who = signed_in()
    return _do(lambda u: u.account.revoke(who.user_id, sign_in_id), "That session is signed out.")


@pages.post("/settings/sessions/revoke-others")
@action("account.change")
def session_revoke_others() -> ResponseReturnValue:
    """Sign every other browser out."""
    who = signed_in()
    return _do(lambda u: u.account.revoke_all(who.user_id, but=who.sign_in_id), "Every other session is signed out.")


@pages.post("/settings/workspaces/<int:workspace_id>/activate")
@action("account.switch")
def workspace_activate(workspace_id: int) -> ResponseReturnValue:
    """Make a workspace the active one of this session."""
    who = signed_in()
    return _do(lambda u: u.workspace.switch(who, workspace_id), "The workspace is changed, for this session.")


@pages.post("/settings/workspaces/<int:workspace_id>/leave")
@action("account.leave")
def workspace_leave(workspace_id: int) -> ResponseReturnValue:
    """Leave a workspace: what was begun there ends, what was handed in stays."""
    who = signed_in()
    return _do(lambda u: u.workspace.leave(who, workspace_id), "You have left the workspace.")


@pages.post("/settings/invitations")
@action("account.invite")
@limiter.limit("60 per hour", key_func=per_person)
def invite() -> ResponseReturnValue:
    """Invite one person to the active workspace and show the link, once."""
    form = InviteForm()
    if not form.sent():
        return _page(IdentityForm(), form, DeleteForm()), 400
    who = signed_in()
    try:
        with unit(write=True) as u:
            token = u.workspace.invite(who, form.role.data, form.email.data or None)
    except Invalid as error:
        form.email.errors = [error.cause]
        return _page(IdentityForm(), form, DeleteForm()), 400
    return _page(IdentityForm(), InviteForm(formdata=None), DeleteForm(), invitation=token)


@pages.post("/settings/invitations/<int:invite_id>/revoke")
@action("account.invite")
def invite_revoke(invite_id: int) -> ResponseReturnValue:
    """End an invitation."""
    who = signed_in()
    return _do(lambda u: u.workspace.revoke_invite(who, invite_id), "The invitation is over.")


@pages.get("/join/<token>")
@action("account.invited")
def invited(token: str) -> ResponseReturnValue:
    """Show where an invitation leads: to sign up, to sign in, or to join with one's account."""
    with unit() as u:
        invite, workspace = u.workspace.invited_to(token)
    return render_template("account/join.html", invite=invite, workspace=workspace, token=token)


@pages.post("/join/<token>")
@action("account.join")
@limiter.limit("30 per hour", key_func=per_person)
def join(token: str) -> ResponseReturnValue:
    """Join the workspace of an invitation."""
    with unit(write=True) as u:
        name = u.workspace.accept(signed_in(), token).name
    flash(f"You are in {name} now.", "success")
    return redirect(url_for("profile.show"))


@pages.get("/settings/export")
@action("account.export")
@limiter.limit("12 per hour", key_func=per_person)
def export() -> ResponseReturnValue:
    """Hand out all own data as one JSON file."""
    who = signed_in()
    with unit() as u:
        data = u.account.export(who.user_id)
    name = f"assessor-{now():%Y-%m-%d}.json"
    return Response(
        json.dumps(data, indent=1, ensure_ascii=False),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@pages.post("/settings/delete")
@action("account.delete")
@limiter.limit("6 per 10 minutes", key_func=per_person)
def delete() -> ResponseReturnValue:
    """Delete the account and everything of the person, after the password was written once more."""
    form = DeleteForm()
    who = signed_in()
    if form.sent() and not is_password(form.password.data or ""):
        form.refuse()
    if form.errors:
        return _page(IdentityForm(), InviteForm(), form), 400
    with unit(write=True) as u:
        u.account.delete(who.user_id)
    session.clear()
    flash("Your account and everything in it is deleted.", "success")
    return redirect(url_for("home.index"))


@pages.post("/sign-out")
@action("account.sign_out")
def sign_out() -> ResponseReturnValue:
    """End this session."""
    key = session.get(SESSION_KEY)
    if key is not None:
        with unit(write=True) as u:
            u.account.sign_out(key)
    session.clear()
    return redirect(url_for("home.index"))


@pages.post("/demo/sign-in")
@action("account.demo")
@limiter.limit("30 per hour", key_func=get_remote_address)
def demo_sign_in() -> ResponseReturnValue:
    """Sign in as a demo user, who sees everything of their part of a filled workspace and changes nothing."""
    role, place = DEMO_ROLES.get(request.form.get("as", ""), DEMO_ROLES["engineer"])
    with unit() as u:
        user_id = u.account.demo_user(role) if settings().demo else None
    if user_id is None:
        raise NotFound("There is no demo to sign in to here.", "Load it with `assessor demo load`, or sign up.")
    start_session(user_id)
    return redirect(place)


def _page(identity: IdentityForm, invite: InviteForm, delete: DeleteForm, invitation: str | None = None) -> str:
    who = signed_in()
    admin = who.role == "admin" and who.workspace_id is not None and not who.demo
    with unit() as u:
        return render_template(
            "account/settings.html",
            identities=u.identity.of(who.person_id),
            sessions=u.account.sessions(who.user_id, who.sign_in_id),
            memberships=u.workspace.of(who.user_id),
            looks=u.looks.at(who.person_id),
            invitations=u.workspace.invites(who.workspace_id) if admin and who.workspace_id else (),
            admin=admin,
            challenge_file=CHALLENGE_FILE,
            identity_form=identity,
            invite_form=invite,
            delete_form=delete,
            invitation=f"{settings().base_url}{url_for('account.invited', token=invitation)}" if invitation else None,
        )


def _do(act: Callable[[Unit], object], done: str) -> ResponseReturnValue:
    """Change something in one unit and go back to the settings, with what came of it."""
    try:
        with unit(write=True) as u:
            act(u)
    except NotFound:
        raise
    except ServiceError as error:
        flash(f"{error.cause} {error.cure}".strip(), "error")
    else:
        flash(done, "success")
    return redirect(url_for("account.show"))


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="identity")


def _mailed(token: str) -> str:
    """Return the address a mailed link was sent to. Raises Gone, or NotFound if it is for somebody else."""
    try:
        person_id, email = _serializer().loads(token, max_age=LINK_SECONDS)
    except SignatureExpired:
        raise Gone("This link was valid for two days.", "Ask for a new one in the settings.") from None
    except BadSignature:
        raise NotFound("There is no such link.", "Check that the whole link was copied.") from None
    if person_id != signed_in().person_id:
        raise NotFound("This link is for another account.", "Sign in with the account that asked for it.")
    return str(email)


_IDENTITY_MAIL = """Hello,

somebody, we hope you, said in Assessor that commits of this address are theirs. Confirm it within two days:

{link}

If it was not you, do nothing.
"""
