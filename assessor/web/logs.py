"""One JSON object a line on standard error: what was asked by route rule, how it ended, under which request id."""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from assessor.config import Settings

__all__ = ["configure_logging", "init_logs"]

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = structlog.get_logger("assessor.web")


def configure_logging(level: str) -> None:
    """Send the project's and every library's messages through one JSON renderer; tracebacks stay in the log."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel("WARNING")  # its notes on a mere look at the schema tell nobody anything
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def init_logs(app: Flask, settings: Settings) -> None:
    """Give every request an id, and log its end. An id from outside is believed only behind a trusted proxy."""

    @app.before_request
    def begin() -> None:
        offered = request.headers.get("X-Request-ID", "") if settings.proxies else ""
        g.request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex[:16]
        g.began = time.monotonic()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        if "request_id" not in g:
            return response
        response.headers["X-Request-ID"] = g.request_id
        if request.endpoint not in ("static", "home.healthz", "home.readyz"):
            actor = g.get("actor")
            log.info(
                "request",
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,  # never the address: links carry tokens
                status=response.status_code,
                milliseconds=round((time.monotonic() - g.began) * 1000, 1),
                user=actor.user_id if actor else None,
            )
        return response
