"""Where tickets end when things go wrong: with a human."""

from datetime import date

import httpx
import pytest
from openai import OpenAI

from router.audit import AuditLog
from router.cost import Meter, OverBudget, Usage
from router.model import Model, Unavailable
from router.retrieval import Handbook, Passage
from router.route import Router
from router.settings import Price, policy

PASSAGES = [Passage("returns", "Returns are free for 30 days."), Passage("billing", "An invoice can be corrected.")]


def model(*answers, attempts=3):
    """Return a model that gives these answers one after the other; an exception is a lost connection."""
    left = list(answers)

    def answer(request):
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        if isinstance(found, int):
            return httpx.Response(found)
        message = {"role": "assistant", "content": found}
        usage = {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return httpx.Response(200, json={"id": "1", "choices": [choice], "usage": usage})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = OpenAI(base_url="http://model/v1", api_key="none", http_client=http)
    return Model(client, "m", timeout=1, attempts=attempts, sleep=lambda _: None)


def router(tmp_path, asked, budget=1.0):
    return Router(policy(), Handbook(PASSAGES), asked, Meter(budget), AuditLog(tmp_path / "audit.jsonl").record)


def test_a_ticket_goes_where_the_model_says(tmp_path):
    routed = router(tmp_path, model('{"queue": "returns", "confidence": 0.9}')).route("shop", "It leaks")
    assert (routed.queue, routed.reason) == ("returns", "model")
    assert routed.dollars == pytest.approx(400 * 0.15e-6 + 20 * 0.6e-6)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (model('{"queue": "returns", "confidence": 0.2}'), "unsure"),
        (model("Sure! The queue is returns."), "refused"),
        (model(503, 503, 503), "unavailable"),
        (model(httpx.ConnectTimeout("slow"), attempts=1), "unavailable"),
    ],
)
def test_every_failure_ends_with_a_human(tmp_path, asked, reason):
    routed = router(tmp_path, asked).route("shop", "It leaks")
    assert (routed.queue, routed.reason) == ("human", reason)


def test_a_model_that_recovers_is_asked_again():
    assert model(503, httpx.ReadTimeout("slow"), "{}").ask("", "").text == "{}"
    with pytest.raises(Unavailable):
        model(503, 503, 503, "{}").ask("", "")


def test_a_spent_budget_stops_calls_until_tomorrow():
    days = [date(2025, 5, 1)]
    meter = Meter(0.001, today=lambda: days[-1])
    meter.charge("shop", Usage(10_000, 100), Price(input=0.15, output=0.6))
    with pytest.raises(OverBudget):
        meter.check_budget()
    days.append(date(2025, 5, 2))
    meter.check_budget()


def test_a_changed_line_of_the_audit_log_shows(tmp_path):
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    for queue in ("returns", "billing", "human"):
        log.record("shop", f"routed to {queue}", "It leaks", "model")
    assert AuditLog(path).verify()
    path.write_text(path.read_text().replace("billing", "account"))
    assert not log.verify()


def test_the_handbook_finds_the_passage_that_is_meant():
    assert Handbook(PASSAGES).search("how do I return it? returns", 1) == [PASSAGES[0]]
    assert Handbook(PASSAGES).search("xyzzy", 3) == []
