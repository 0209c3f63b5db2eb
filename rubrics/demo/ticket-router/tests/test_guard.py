"""What a ticket may not do."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.guard import LONGEST, Refused, check_model_answer, sanitize_user_text
from router.privacy import mask_pii

QUEUES = ["billing", "human"]
ATTACKS = [json.loads(line) for line in Path("evaluation/attacks.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("attack", [one for one in ATTACKS if one["kind"] != "translated"], ids=lambda one: one["kind"])
def test_clumsy_attacks_are_seen_before_the_model_is_asked(attack):
    assert sanitize_user_text(attack["text"]).suspicious


def test_an_ordinary_ticket_is_not_suspicious():
    assert not sanitize_user_text("Please ignore my last mail, the parcel came this morning.").suspicious


@given(st.text(max_size=9_000))
def test_no_text_can_close_its_own_fence(text):
    ticket = sanitize_user_text(text)
    assert len(ticket.text) <= LONGEST
    assert ticket.fenced().count(ticket.mark) == 2


@pytest.mark.parametrize(
    "answer",
    [
        "billing",
        '{"queue": "billing"}',
        '{"queue": "ceo", "confidence": 1}',
        '{"queue": "billing", "confidence": 7}',
        '{"queue": "billing", "confidence": 1, "refund": 50}',
        '["billing", 1]',
    ],
)
def test_what_is_no_verdict_is_refused(answer):
    with pytest.raises(Refused):
        check_model_answer(answer, QUEUES, "You sort tickets.")


def test_cards_are_masked_and_order_numbers_are_not():
    masked = mask_pii("Order 5500182, card 4111 1111 1111 1111, jo@example.org")
    assert masked == "Order 5500182, card [card], [email]"
