"""How often things may be done: sign-in and expensive routes, counted per account, person and address."""

from __future__ import annotations

from flask import Flask, Response, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from assessor.config import Settings
from assessor.web.context import actor

__all__ = ["init_limits", "limiter", "per_person"]

limiter = Limiter(key_func=get_remote_address, strategy="moving-window", headers_enabled=True)


def per_person() -> str:
    """Count by person where somebody is signed in, by address otherwise."""
    who = actor()
    return f"person:{who.person_id}" if who else f"address:{get_remote_address()}"


def init_limits(app: Flask, settings: Settings) -> None:
    """Start counting, and limit the views that Flask-Security brings; call it after its blueprint is registered."""
    app.config.update(RATELIMIT_STORAGE_URI=settings.ratelimit_storage)
    limiter.init_app(app)
    for endpoint, limits in {
        # Only failures count for a sign-in: who knows the password is never kept out by their own visits.
        "security.login": (("10 per 10 minutes", _account), ("40 per 10 minutes", get_remote_address)),
        "security.two_factor_token_validation": (("6 per 10 minutes", _second_factor),),
        "security.mf_recovery": (("6 per 10 minutes", _second_factor),),
        "security.verify": (("6 per 10 minutes", per_person),),
        "security.change_password": (("6 per 10 minutes", per_person),),
        "security.wan_signin_response": (("40 per 10 minutes", get_remote_address),),
    }.items():
        for limit, key in limits:
            _limit(app, endpoint, limit, key, failures=True)
    for endpoint, limit in {
        "security.register": "20 per hour",
        "security.forgot_password": "5 per hour",
        "security.send_confirmation": "5 per hour",
    }.items():
        _limit(app, endpoint, limit, get_remote_address, failures=False)


def _limit(app: Flask, endpoint: str, limit: str, key: object, *, failures: bool) -> None:
    view = app.view_functions.get(endpoint)
    if view is not None:
        app.view_functions[endpoint] = limiter.limit(  # type: ignore[assignment]
            limit,
            key_func=key,  # type: ignore[arg-type]
            methods=["POST"],
            override_defaults=False,
            deduct_when=_failed if failures else None,
        )(view)


def _failed(response: Response) -> bool:
    # A form that is accepted redirects; one that is shown again was refused.
    return response.status_code == 200


def _account() -> str:
    return "account:" + request.form.get("email", "").strip().lower()[:254]


def _second_factor() -> str:
    return f"second:{session.get('tf_user_id') or get_remote_address()}"
