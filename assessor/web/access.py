"""Default deny: every route names its action, who acts is known before a view runs, and owned things are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, g, request, session
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter, Map

from assessor.services.errors import Forbidden
from assessor.services.errors import NotFound as ServiceNotFound
from assessor.services.permissions import Owned, Shared, not_yours, require
from assessor.web.context import actor, signed_in, unit

__all__ = ["SESSION_KEY", "action", "action_of", "authorise", "init_access"]

SESSION_KEY = "key"
"""Where the signed cookie keeps the key of the own session row."""

View = TypeVar("View", bound=Callable[..., Any])

BORROWED: Mapping[str, str] = {
    "static": "home.see",
    "security.login": "account.sign_in",
    "security.register": "account.sign_up",
    "security.verify": "account.secure",
    "security.forgot_password": "account.sign_in",
    "security.reset_password": "account.sign_in",
    "security.change_password": "account.secure",
    "security.send_confirmation": "account.sign_in",
    "security.confirm_email": "account.sign_in",
    "security.two_factor_setup": "account.secure",
    "security.two_factor_setup_validate": "account.secure",
    "security.two_factor_token_validation": "account.sign_in",
    "security.two_factor_rescue": "account.sign_in",
    "security.tf_select": "account.sign_in",
    "security.mf_recovery": "account.sign_in",
    "security.mf_recovery_codes": "account.secure",
    "security.wan_register": "account.secure",
    "security.wan_register_response": "account.secure",
    "security.wan_signin": "account.sign_in",
    "security.wan_signin_response": "account.sign_in",
    "security.wan_delete": "account.secure",
    "security.wan_verify": "account.secure",
    "security.wan_verify_response": "account.secure",
}
"""Actions of the routes that extensions bring; one that is not listed here does not exist for visitors."""


def action(name: str, *, owned: bool = False) -> Callable[[View], View]:
    """Name the action of a view. An owned view must call `authorise` with what it loaded before it answers.

    Where it finds nothing before that, it answers as for a thing of somebody else: which ids are taken is private too.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*arguments: Any, **named: Any) -> Any:
            try:
                answer = view(*arguments, **named)
            except ServiceNotFound as error:
                if owned and not g.get("authorised"):
                    raise not_yours() from error
                raise
            if owned and not g.get("authorised"):
                raise RuntimeError(f"{view.__name__} answered without authorising what it shows")
            return answer

        guarded.action = name  # type: ignore[attr-defined]
        guarded.owned = owned  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def action_of(app: Flask, endpoint: str) -> str | None:
    """Return the action of a route, or None where it has none and is therefore denied."""
    return BORROWED.get(endpoint) or getattr(app.view_functions.get(endpoint), "action", None)


def authorise(subject: Owned | Shared) -> None:
    """Return if who sent this request may do the route's action to a thing. Raises NotFound or Forbidden."""
    view = g.action
    require(view, signed_in(), subject)
    g.authorised = True


class RowNumber(IntegerConverter):
    """Read a number in an address as the id of a row: one that no database can hold is no page, and no error."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


def init_access(app: Flask) -> None:
    """Check every request against the table of permissions before its view runs. Call it before routes are made."""
    app.url_map.converters["int"] = RowNumber

    @app.before_request
    def check() -> None:
        endpoint = request.endpoint
        if endpoint is None or endpoint == "static":
            return
        name = action_of(app, endpoint)
        if name is None:
            if endpoint.startswith("security."):
                raise NotFound
            raise Forbidden("This page has no rule that lets anybody see it.")
        g.action = name
        if name != "home.health":
            _recognise()
        if getattr(app.view_functions[endpoint], "owned", False):
            signed_in()
        else:
            require(name, actor())


def _recognise() -> None:
    """Find out who acts by the key in the signed cookie; forget a session that was revoked or is over."""
    key = session.get(SESSION_KEY)
    if key is None:
        return
    with unit() as u:
        g.actor = u.account.actor(key)
        due = g.actor is not None and u.account.due(g.actor)
    if g.actor is None:
        session.clear()
    elif due:
        with unit(write=True) as u:
            u.account.seen(g.actor)
