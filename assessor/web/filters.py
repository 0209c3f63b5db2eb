"""How figures, dates and names are written in templates: the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from assessor.analysis.grading import GRADE_NAMES
from assessor.measurement.fusion import VERIFYING_SHARE
from assessor.services.account import PASSWORD_LENGTH
from assessor.web import context
from assessor.web.charts import bar, line, marker

__all__ = ["init_filters"]

INSTRUMENTS: Mapping[str, str] = {
    "self": "self-rating",
    "quiz": "quiz",
    "repo": "repository",
    "review": "review",
    "drill": "drill",
}


def init_filters(app: Flask) -> None:
    """Give templates their filters and the values every page needs."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        level=level,
        bounded=bounded,
        signed=signed,
        day=day,
        month=month,
        moment=moment,
        percent=percent,
        browser=browser,
        prose=prose,
        code_spans=code_spans,
    )
    app.jinja_env.globals.update(
        password_length=PASSWORD_LENGTH,
        asset=asset,
        bar=bar,
        line=line,
        marker=marker,
        instrument_names=INSTRUMENTS,
        grade_names=GRADE_NAMES,
        verifying_share=VERIFYING_SHARE,
    )
    app.context_processor(_shared)


def level(value: float | None) -> str:
    """Write a level with one decimal; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.1f}"


def bounded(value: float) -> str:
    """Write what an instrument said; an estimate beyond the ends of the scale is written as at least or at most the end."""
    return "≤ 0.0" if value < 0 else "≥ 5.0" if value > 5 else f"{value:.1f}"


def signed(value: float | None, digits: int = 1) -> str:
    """Write a difference with its sign; zero has none."""
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text


def percent(value: float | None) -> str:
    """Write a share of 1 in whole percent."""
    return "–" if value is None else f"{round(value * 100)}%"


def day(value: datetime | None) -> Markup | str:
    """Write a date such as 24 Nov 2026, readable by machines too."""
    return _time(value, f"{value.day} {value:%b %Y}") if value else "–"


def month(value: datetime | None) -> str:
    """Write a month such as 2026-11."""
    return f"{value:%Y-%m}" if value else "–"


def moment(value: datetime | None) -> Markup | str:
    """Write a date and time in UTC."""
    return _time(value, f"{value.day} {value:%b %Y, %H:%M} UTC") if value else "–"


def prose(text: str) -> Markup:
    """Write paragraphs, one a line, with `code` in backticks; everything else stands as it is.

    Content folds its texts, so that an empty line in the file has become one line break here.
    """
    paragraphs = [part for part in text.splitlines() if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(code_spans(part)) for part in paragraphs)


def code_spans(text: str) -> Markup:
    """Write one line of text with `code` in backticks."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def browser(agent: str) -> str:
    """Name the browser and system of a user agent, as far as its owner needs it to recognise a session."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
    )
    name = next((name for sign, name in names if sign in agent), agent.split("/")[0][:40] or "unknown browser")
    system = next((name for sign, name in (*systems, ("Linux", "Linux")) if sign in agent), None)
    return f"{name} on {system}" if system else name


def asset(name: str) -> str:
    """Return the address of a static file, which changes with its content, so that browsers may keep it for ever."""
    folder = current_app.static_folder
    return url_for("static", filename=name, v=_digest(Path(folder or "") / name))


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _time(value: datetime, text: str) -> Markup:
    stamp = value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(stamp, escape(text))


def _shared() -> dict[str, Any]:
    settings = context.settings()
    return {
        "actor": context.actor(),
        "registration": settings.registration,
        "mail": settings.mail_server is not None,
        "demo_sign_in": settings.demo,
    }
