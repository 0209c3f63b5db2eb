"""What stands between a stranger's text and the model, and between the model and the queues.

A ticket cannot be made harmless by pattern matching; the patterns only find the clumsy attempts and send them to a
human. What protects is that the model has no tools, sees the ticket as marked data, and may answer with nothing but a
queue of the list.
"""

import json
import re
import secrets
import unicodedata
from dataclasses import dataclass

LONGEST = 6_000
"""Characters of a ticket that are read; the rest says little about its queue and costs money."""

SUSPICIOUS = re.compile(
    r"ignore (?:all |the |any )*(?:previous|above|prior) (?:instructions|rules)"
    r"|disregard .{0,40}(?:instructions|system prompt)"
    r"|you are now (?:an?|the) "
    r"|reveal .{0,40}(?:system prompt|instructions|api key)"
    r"|<\s*/?\s*(?:system|assistant|ticket)\b",
    re.IGNORECASE,
)
HIDDEN = ("Cf", "Co", "Cn")
"""Categories of signs that a reader does not see and a model does: zero width, private, tags."""


class Refused(ValueError):
    """The model's answer cannot be used."""


@dataclass(frozen=True)
class Clean:
    """A ticket that may be shown to the model, between marks that it cannot know."""

    text: str
    mark: str
    suspicious: bool

    def fenced(self) -> str:
        return f"<ticket-{self.mark}>\n{self.text}\n</ticket-{self.mark}>"


@dataclass(frozen=True)
class Verdict:
    """A queue and how sure the model says it is."""

    queue: str
    confidence: float


def sanitize_user_text(ticket: str) -> Clean:
    """Return the ticket without hidden signs, cut to length, between marks that are new for each ticket."""
    folded = unicodedata.normalize("NFKC", ticket)
    visible = "".join(sign for sign in folded if unicodedata.category(sign) not in HIDDEN or sign == "\n")
    text = visible[:LONGEST]
    return Clean(text, secrets.token_hex(8), bool(SUSPICIOUS.search(visible)) or visible != folded)


def check_model_answer(answer: str, queues: list[str], system_prompt: str) -> Verdict:
    """Return the model's verdict, or raise Refused for anything that is not one.

    An answer that repeats a part of the system prompt is refused as well: somebody talked the model into it.
    """
    try:
        found = json.loads(answer)
    except json.JSONDecodeError as error:
        raise Refused("not JSON") from error
    if not isinstance(found, dict) or set(found) != {"queue", "confidence"}:
        raise Refused("not a verdict")
    queue, confidence = found["queue"], found["confidence"]
    if queue not in queues:
        raise Refused("no queue of the list")
    if not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise Refused("no probability")
    if any(line in answer for line in system_prompt.splitlines() if len(line) > 20):
        raise Refused("repeats its instructions")
    return Verdict(queue, float(confidence))
