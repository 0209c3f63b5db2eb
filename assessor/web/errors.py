"""What a visitor reads when something went wrong: what happened, what to do, and the id that finds it in the log."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

import structlog
from flask import Flask, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from assessor.services.errors import Conflict, Forbidden, Gone, Invalid, NotFound, ServiceError, SignInNeeded
from assessor.services.uploads import UPLOAD_LIMIT
from assessor.web.limits import limiter

__all__ = ["init_errors"]

STATUS: tuple[tuple[type[ServiceError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Gone, 410),
    (Invalid, 400),
)

TEXT = {
    400: (
        "The request could not be understood",
        "Your browser sent something this page cannot read.",
        "Go back, reload the page, and try again.",
    ),
    403: (
        "You may not do this",
        "This page or action is not open to you.",
        "Sign in with another account, or ask whoever runs this installation.",
    ),
    404: (
        "There is no such page",
        "The address is wrong, or what it named was removed or is not yours to see.",
        "Check the address, or start from the home page.",
    ),
    405: (
        "This address does not work that way",
        "The page exists, but it does not accept this kind of request.",
        "Open it from its own form or link.",
    ),
    409: (
        "That does not fit the present state",
        "Somebody, perhaps you in another window, changed something meanwhile.",
        "Reload the page and try again.",
    ),
    410: (
        "This link is over",
        "It was valid once and was used, revoked, or has expired.",
        "Ask for a new one, or start again.",
    ),
    413: (
        "That is too big",
        f"A form may have 256 kB, an uploaded zip {UPLOAD_LIMIT >> 20} MB.",
        "Leave out data and build results, or add the repository by its https address instead.",
    ),
    429: ("Too many tries", "This was done more often than is allowed in a short time.", "Wait, then try again."),
    500: (
        "Something broke on our side",
        "The request was stopped and nothing was changed by it.",
        "Try again. If it happens again, tell the operator the request id below.",
    ),
    503: (
        "The service is busy",
        "The database did not answer in time; nothing was changed.",
        "Wait a few seconds, then try again.",
    ),
}

log = structlog.get_logger("assessor.web")


def init_errors(app: Flask) -> None:
    """Turn every error into a page that helps."""
    app.register_error_handler(ServiceError, _service)
    app.register_error_handler(RateLimitExceeded, _limited)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(SecurityError, _untrusted_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unexpected)


def page(status: int, *, what: str | None = None, cure: str | None = None, title: str | None = None) -> tuple[str, int]:
    """Render the page of an error, with own sentences where there are some."""
    known = TEXT.get(status, TEXT[500] if status >= 500 else TEXT[400])
    return (
        render_template(
            "errors/error.html",
            status=status,
            title=title or known[0],
            what=what or known[1],
            cure=cure or known[2],
            request_id=g.get("request_id", ""),
        ),
        status,
    )


def _service(error: ServiceError) -> ResponseReturnValue:
    if isinstance(error, SignInNeeded):
        # Only an address that can be opened again is worth coming back to.
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("security.login", next=back))
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 400)
    return page(status, what=error.cause, cure=error.cure)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:  # a redirect that werkzeug raised
        return error.get_response()
    body, status = page(error.code or 500)
    headers = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else {}  # type: ignore[attr-defined]
    return body, status, headers


def _limited(_error: RateLimitExceeded) -> ResponseReturnValue:
    seconds = 60
    if limiter.current_limit is not None:
        seconds = max(ceil(limiter.current_limit.reset_at - datetime.now(UTC).timestamp()), 1)
    wait = f"{seconds} seconds" if seconds < 90 else f"{ceil(seconds / 60)} minutes"
    body, status = page(429, cure=f"Try again in {wait}.")
    return body, status, {"Retry-After": str(seconds)}


def _forged(_error: CSRFError) -> ResponseReturnValue:
    return page(
        400,
        title="The form was open too long",
        what="Its protection against forgery has expired, or your browser keeps no cookies for this site.",
        cure="Go back, reload the page, and send the form again.",
    )


def _untrusted_host(_error: SecurityError) -> ResponseReturnValue:
    # No page: building its links would need the host that is not trusted.
    return (
        "This host name is not served here. Use the address your operator gave you.\n",
        400,
        {"Content-Type": "text/plain"},
    )


def _database(error: OperationalError) -> ResponseReturnValue:
    log.error("database", exc_info=error)
    body, status = page(503)
    return body, status, {"Retry-After": "5"}


def _unexpected(error: Exception) -> ResponseReturnValue:
    log.error("unexpected", exc_info=error, route=request.url_rule.rule if request.url_rule else None)
    return page(500)
