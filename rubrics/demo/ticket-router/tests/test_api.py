"""The service from outside."""

import pytest
from fastapi.testclient import TestClient

from router import api, settings
from router.route import Routed


class Fixed:
    """A router that sends everything to returns."""

    def route(self, client, ticket):
        return Routed("returns", "model")


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("ROUTER_MODEL_KEY", "not-a-key")
    monkeypatch.setenv("ROUTER_CLIENTS", '{"shop": "shop-key"}')
    settings.secrets.cache_clear()
    api.app.dependency_overrides[api.router] = Fixed
    yield TestClient(api.app)
    api.app.dependency_overrides.clear()


def test_a_ticket_needs_a_key(client):
    assert client.post("/v1/tickets", json={"text": "hi"}).status_code == 422
    assert client.post("/v1/tickets", json={"text": "hi"}, headers={"X-API-Key": "guess"}).status_code == 401


def test_a_ticket_gets_its_queue_and_an_id(client):
    answer = client.post("/v1/tickets", json={"text": "It leaks"}, headers={"X-API-Key": "shop-key"})
    assert answer.json() == {"queue": "returns", "reason": "model"}
    assert len(answer.headers["X-Request-ID"]) == 36


def test_an_empty_ticket_is_refused(client):
    assert client.post("/v1/tickets", json={"text": ""}, headers={"X-API-Key": "shop-key"}).status_code == 422


def test_latency_is_exposed(client):
    assert "router_latency_seconds_bucket" in client.get("/metrics").text
