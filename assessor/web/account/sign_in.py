"""Flask-Security, fitted in: own sessions that can be listed and revoked, own messages, mail only where there is some.

Its datastore has a session of its own. Pages of ours never touch it: who acts comes from the own session row. Where
Flask-Security's views changed something it is committed and closed before a Unit opens; two open transactions of one
request would wait for each other.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, cast

import structlog
from flask import Flask, Response, after_this_request, flash, g, request, session
from flask_login import user_logged_out
from flask_mail import Mail, Message
from flask_security import MailUtil, Security, SQLAlchemySessionUserDatastore, verify_password
from flask_security.signals import password_changed, password_reset, user_authenticated, user_confirmed, user_registered
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from assessor.config import Settings
from assessor.models.account import Passkey, Role, UserAccount
from assessor.models.session import writing
from assessor.services.account import PASSWORD_LENGTH
from assessor.services.errors import ServiceError
from assessor.services.unit import UnitFactory
from assessor.web.access import SESSION_KEY
from assessor.web.account.forms import RegisterForm, SignInForm
from assessor.web.context import actor, unit
from assessor.web.sessions import start_session

__all__ = ["init_accounts", "is_password", "send_mail"]

log = structlog.get_logger("assessor.web.account")


def init_accounts(app: Flask, settings: Settings, factory: UnitFactory) -> None:
    """Add sign-in, registration, second factors and passwords to an application."""
    app.config.update(_options(settings, factory))
    if settings.mail_server:
        Mail(app)
    app.after_request(_send_outbox)  # registered first, so that it runs last
    sessions = _sessions(factory)
    datastore = SQLAlchemySessionUserDatastore(sessions, UserAccount, Role, Passkey)
    security = Security(
        app,
        datastore,
        login_form=SignInForm,
        register_form=RegisterForm,
        mail_util_cls=_Postman,
    )
    security.want_json(lambda _request: False)  # pages only: the API has tokens of its own
    app.extensions["assessor.accounts"] = sessions
    app.teardown_request(lambda _error: sessions.remove())
    _load_only_for_its_own_views(app)
    for signal, receiver in (
        (user_registered, _registered),
        (user_authenticated, _authenticated),
        (user_confirmed, _confirmed),
        (password_changed, _password_changed),
        (password_reset, _password_reset),
        (user_logged_out, _signed_out),
    ):
        signal.connect(receiver, app)


def is_password(password: str) -> bool:
    """Tell whether this is the password of who acts; the datastore's session is closed afterwards."""
    who = actor()
    try:
        user = _accounts().get(UserAccount, who.user_id) if who else None
        return user is not None and user.password is not None and verify_password(password, user.password)
    finally:
        _close()


def send_mail(subject: str, recipient: str, body: str) -> None:
    """Put a mail into the outbox; it is sent when the request's transaction is over."""
    g.setdefault("outbox", []).append((subject, recipient, body))


def _registered(_app: Flask, user: UserAccount, form_data: dict[str, Any], **_extra: object) -> None:
    user_id, invite = user.id, (form_data.get("invite") or "").strip() or None

    def welcome() -> None:
        with unit(write=True) as u:
            u.account.welcome(_id(user_id, user), invite)

    _afterwards(welcome)


def _authenticated(_app: Flask, user: UserAccount, **_extra: object) -> None:
    who = actor()
    if who is not None and who.user_id == user.id:
        return  # a changed password signs the same browser in again
    _afterwards(lambda: start_session(user.id))


def _confirmed(_app: Flask, user: UserAccount, **_extra: object) -> None:
    def confirm() -> None:
        try:
            with unit(write=True) as u:
                u.account.confirm_mail(user.id)
        except ServiceError as error:
            flash(f"{error.cause} {error.cure}", "error")

    _afterwards(confirm)


def _password_changed(_app: Flask, user: UserAccount, **_extra: object) -> None:
    who = actor()
    _afterwards(lambda: _revoke_all(user.id, but=who.sign_in_id if who else None))


def _password_reset(_app: Flask, user: UserAccount, **_extra: object) -> None:
    _afterwards(lambda: _revoke_all(user.id))


def _signed_out(_app: Flask, **_extra: object) -> None:
    key = session.pop(SESSION_KEY, None)
    if key:
        _close()
        with unit(write=True) as u:
            u.account.sign_out(key)
    session.clear()


def _revoke_all(user_id: int, but: int | None = None) -> None:
    with unit(write=True) as u:
        u.account.revoke_all(user_id, but=but)


def _afterwards(act: Callable[[], None]) -> None:
    """Act when the view has answered and what Flask-Security wrote is committed."""

    @after_this_request
    def run(response: Response) -> Response:
        _accounts().commit()
        _close()
        act()
        return response


def _id(known: int | None, user: UserAccount) -> int:
    return known if known is not None else user.id


def _accounts() -> scoped_session[Session]:
    from flask import current_app

    return cast("scoped_session[Session]", current_app.extensions["assessor.accounts"])


def _close() -> None:
    _accounts().remove()


def _sessions(factory: UnitFactory) -> scoped_session[Session]:
    reads = sessionmaker(factory.engine, expire_on_commit=False)
    writes = sessionmaker(writing(factory.engine), expire_on_commit=False)

    def open_session() -> Session:
        # A sign-in writes nothing here and may take a while to hash; the other forms take the write lock at once.
        return writes() if request.method == "POST" and request.endpoint != "security.login" else reads()

    return scoped_session(cast("sessionmaker[Session]", open_session))


def _load_only_for_its_own_views(app: Flask) -> None:
    manager = app.login_manager  # type: ignore[attr-defined]
    load = manager._user_callback

    def loader(user_id: str) -> UserAccount | None:
        who = actor() if request.blueprint == "security" else None
        user: UserAccount | None = load(user_id) if who is not None else None
        return user if user is not None and who is not None and user.id == who.user_id else None

    manager.user_loader(loader)
    manager.request_loader(lambda _request: None)


class _Postman(MailUtil):
    """Put Flask-Security's mails into the outbox; without a mail server they are dropped."""

    def send_mail(
        self,
        template: str,  # noqa: ARG002 - Flask-Security's signature
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],  # noqa: ARG002
        body: str | None,
        html: str | None,  # noqa: ARG002
        **_context: Any,
    ) -> None:
        send_mail(str(subject), recipient if isinstance(recipient, str) else recipient[1], body or "")


def _send_outbox(response: Response) -> Response:
    from flask import current_app

    outbox, mail = g.pop("outbox", []), current_app.extensions.get("mail")
    if outbox:
        _close()  # a slow mail server must not hold the database
    for subject, recipient, body in outbox if mail else ():
        try:
            mail.send(Message(subject, recipients=[recipient], body=body))  # type: ignore[union-attr]
        except OSError:
            log.exception("a mail could not be sent", subject=subject)
    return response


def _options(settings: Settings, factory: UnitFactory) -> dict[str, Any]:
    mail = settings.mail_server is not None
    sealed = hmac.digest(settings.secret_key.encode(), b"totp", "sha256").hex()
    return {
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USE_SSL": settings.mail_port == 465,
        "MAIL_USE_TLS": settings.mail_port == 587,
        "MAIL_USERNAME": settings.mail_username,
        "MAIL_PASSWORD": settings.mail_password,
        "MAIL_DEFAULT_SENDER": settings.mail_sender or settings.mail_username,
        "SECURITY_PASSWORD_SALT": settings.password_salt,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_LENGTH_MIN": PASSWORD_LENGTH,
        "SECURITY_PASSWORD_CONFIRM_REQUIRED": False,
        "SECURITY_DATETIME_FACTORY": factory.clock,
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_LOGOUT_METHODS": None,  # ours ends the demo's sessions too
        "SECURITY_REGISTERABLE": settings.registration != "closed",
        "SECURITY_CONFIRMABLE": mail,
        "SECURITY_RECOVERABLE": mail,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_RETURN_GENERIC_RESPONSES": mail,
        "SECURITY_SEND_REGISTER_EMAIL": mail,
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_CHANGE_URL": "/settings/password",
        "SECURITY_VERIFY_URL": "/settings/verify",
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_SETUP_URL": "/settings/second-factor",
        "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/login/code",
        "SECURITY_TWO_FACTOR_SELECT_URL": "/login/second-factor",
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TOTP_SECRETS": {"1": sealed},
        "SECURITY_TOTP_ISSUER": "Assessor",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 8,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL": "/settings/recovery-codes",
        "SECURITY_MULTI_FACTOR_RECOVERY_URL": "/login/recovery-code",
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": "Assessor",
        "SECURITY_WAN_ALLOW_USER_HINTS": False,
        "SECURITY_WAN_REGISTER_URL": "/settings/passkeys",
        "SECURITY_WAN_DELETE_URL": "/settings/passkeys/remove",
        "SECURITY_WAN_SIGNIN_URL": "/login/passkey",
        "SECURITY_WAN_VERIFY_URL": "/settings/verify/passkey",
        "SECURITY_POST_LOGIN_VIEW": "/me",
        "SECURITY_POST_REGISTER_VIEW": "/login" if mail else "/me",
        "SECURITY_POST_CHANGE_VIEW": "/settings",
        "SECURITY_POST_LOGOUT_VIEW": "/",
        **_messages(settings),
    }


def _messages(settings: Settings) -> dict[str, tuple[str, str]]:
    wrong = ("The address or the password is wrong.", "error")
    reset = "reset the password" if settings.mail_server else "ask the operator to reset the password"
    return {
        "SECURITY_MSG_USER_DOES_NOT_EXIST": wrong,
        "SECURITY_MSG_INVALID_PASSWORD": wrong,
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": wrong,
        "SECURITY_MSG_EMAIL_ALREADY_ASSOCIATED": (f"%(email)s has an account already. Sign in, or {reset}.", "error"),
        "SECURITY_MSG_EMAIL_NOT_PROVIDED": ("Write your e-mail address.", "error"),
        "SECURITY_MSG_INVALID_EMAIL_ADDRESS": ("Write an address such as name@example.org.", "error"),
        "SECURITY_MSG_PASSWORD_NOT_PROVIDED": ("Write a password.", "error"),
        "SECURITY_MSG_PASSWORD_INVALID_LENGTH": (
            f"A password has at least {PASSWORD_LENGTH} characters; a few unrelated words make a good one.",
            "error",
        ),
        "SECURITY_MSG_CONFIRMATION_REQUIRED": ("Open the link we mailed you to confirm this address first.", "error"),
        "SECURITY_MSG_LOGIN": ("Sign in to open this page.", "info"),
        "SECURITY_MSG_UNAUTHENTICATED": ("Sign in to open this page.", "info"),
        "SECURITY_MSG_REAUTHENTICATION_REQUIRED": ("Confirm that it is you before you change this.", "info"),
        "SECURITY_MSG_PASSWORD_CHANGE": ("The password is changed, and every other session is signed out.", "success"),
    }
