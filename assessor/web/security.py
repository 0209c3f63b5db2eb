"""The frame around every answer: headers, cookies, forms that cannot be forged, sizes, hosts and proxies."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, g, request
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from assessor.config import Settings
from assessor.services.account import SESSION_DAYS
from assessor.services.uploads import UPLOAD_LIMIT

__all__ = ["csrf", "init_security"]

FORM_BYTES = 256 * 1024
FORM_AROUND = 64 * 1024
"""Bytes that a form adds to the archive it carries."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
UNUSED_POWERS = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
    *("geolocation", "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment"),
    *("picture-in-picture", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{power}=()" for power in UNUSED_POWERS),
}
YEAR = int(timedelta(days=365).total_seconds())

csrf = CSRFProtect()
"""Guards every form. It reads the body, so it comes after the permissions and the limit of its size."""


def init_security(app: Flask, settings: Settings) -> None:
    """Put the frame around an application. Call it before anything that reads a request's body."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-session" if settings.https else "session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_BYTES,
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
        PREFERRED_URL_SCHEME="https" if settings.https else "http",
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        # A form may stay open for a working day; the token ends with the session anyway.
        WTF_CSRF_TIME_LIMIT=12 * 3600,
    )
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.before_request(_allow_upload)
    app.after_request(_harden)
    if settings.https:
        app.after_request(_only_https)


def _allow_upload() -> None:
    if request.endpoint == "portfolio.add_zip":
        request.max_content_length = UPLOAD_LIMIT + FORM_AROUND


def _harden(response: Response) -> Response:
    policy = dict(POLICY)
    if request.endpoint == "security.two_factor_setup":
        policy["img-src"] = "'self' data:"  # the QR code, which only its owner may see, has no address of its own
    response.headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    elif g.get("actor") is not None or request.method != "GET" or request.blueprint == "security":
        response.headers["Cache-Control"] = "private, no-store"
    else:
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _only_https(response: Response) -> Response:
    response.headers["Strict-Transport-Security"] = f"max-age={YEAR}; includeSubDomains"
    return response
