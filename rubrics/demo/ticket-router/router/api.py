"""The HTTP service: one route that costs money and needs a key, two that do not."""

import hmac
import json
from functools import cache
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import structlog
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from openai import OpenAI
from prometheus_client import CONTENT_TYPE_LATEST, Histogram, generate_latest
from pydantic import BaseModel, Field

from router.audit import AuditLog
from router.cost import Meter
from router.model import Model
from router.retrieval import Handbook, Passage
from router.route import Router
from router.settings import policy, secrets

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]
)
LATENCY = Histogram("router_latency_seconds", "Time to route a ticket", buckets=(0.1, 0.3, 0.5, 1, 2, 3, 5, 10))

app = FastAPI(title="ticket-router", version="0.6.0")


class Ticket(BaseModel):
    """A support ticket as the customer wrote it."""

    text: str = Field(min_length=1, max_length=20_000)


class Answer(BaseModel):
    """The queue of a ticket and what decided: the model, or why a human has to."""

    queue: str
    reason: str


@cache
def router() -> Router:
    """Put the router together at the first request."""
    rules, keys = policy(), secrets()
    handbook = [Passage(**json.loads(line)) for line in Path("config/handbook.jsonl").read_text().splitlines()]
    client = OpenAI(base_url=keys.model_url, api_key=keys.model_key.get_secret_value())
    model = Model(client, rules.model, timeout=rules.timeout_seconds, attempts=rules.attempts)
    return Router(
        rules, Handbook(handbook), model, Meter(rules.budget_per_day), AuditLog(keys.data / "audit.jsonl").record
    )


def client_of(x_api_key: Annotated[str, Header()]) -> str:
    """Return whose key was sent; every key is compared, so that time tells nothing."""
    found = [
        name
        for name, key in secrets().clients.items()
        if hmac.compare_digest(key.get_secret_value().encode(), x_api_key.encode())
    ]
    if not found:
        raise HTTPException(401, "unknown key")
    return found[0]


@app.middleware("http")
async def name_request(request: Request, call_next):  # type: ignore[no-untyped-def]
    """Give every line of the log the id that the caller gets back."""
    request_id = str(uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    response = await call_next(request)
    response.headers["X-Request-ID"] = request_id
    return response


@app.post("/v1/tickets")
def route(
    ticket: Ticket, client: Annotated[str, Depends(client_of)], where: Annotated[Router, Depends(router)]
) -> Answer:
    """Route one ticket."""
    with LATENCY.time():
        routed = where.route(client, ticket.text)
    return Answer(queue=routed.queue, reason=routed.reason)


@app.get("/healthz")
def health() -> dict[str, str]:
    """Say that the process lives."""
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    """Expose counters, latency and cost."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def serve() -> None:
    """Serve on the loopback address, for development."""
    uvicorn.run(app, host="127.0.0.1", port=8080)
