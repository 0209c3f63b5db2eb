"""Ask the language model: one address, a time limit, few attempts with waits between them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from router.cost import Usage

RETRIED = {408, 429, 500, 502, 503, 504}
FIRST_WAIT, LONGEST_WAIT = 0.4, 5.0


class Unavailable(RuntimeError):
    """The model did not answer in time, however often it was asked."""


@dataclass(frozen=True)
class Reply:
    """What the model said and what that took."""

    text: str
    usage: Usage


class Model:
    """Send a system prompt and a message. `sleep` is handed in, so that tests do not wait."""

    def __init__(
        self,
        client: httpx.Client,
        url: str,
        name: str,
        *,
        timeout: float,
        attempts: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._url = url
        self._name = name
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep

    def ask(self, system: str, message: str) -> Reply:
        """Return the model's reply. Raises Unavailable."""
        body = {
            "model": self._name,
            "temperature": 0,
            "max_tokens": 60,
            "response_format": {"type": "json_object"},
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": message}],
        }
        for attempt in range(self._attempts):
            if attempt:
                # Full jitter: clients that failed together do not come back together.
                self._sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))  # noqa: S311
            try:
                answer = self._client.post(self._url, json=body, timeout=self._timeout)
            except httpx.TransportError:
                continue
            if answer.status_code in RETRIED:
                continue
            answer.raise_for_status()
            found = answer.json()
            used = found["usage"]
            return Reply(
                found["choices"][0]["message"]["content"], Usage(used["prompt_tokens"], used["completion_tokens"])
            )
        raise Unavailable(f"no answer after {self._attempts} attempts")
