"""Ask the language model: a time limit, and few attempts with waits between them."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from openai import APIConnectionError, InternalServerError, OpenAI, RateLimitError

from router.cost import Usage

RETRIED = (APIConnectionError, InternalServerError, RateLimitError)
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
        client: OpenAI,
        name: str,
        *,
        timeout: float,
        attempts: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # The client would try again by itself, without telling how long it waits.
        self._client = client.with_options(max_retries=0, timeout=timeout)
        self._name = name
        self._attempts = attempts
        self._sleep = sleep

    def ask(self, system: str, message: str) -> Reply:
        """Return the model's reply. Raises Unavailable."""
        for attempt in range(self._attempts):
            if attempt:
                # Full jitter: clients that failed together do not come back together.
                self._sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)))  # noqa: S311
            try:
                answer = self._client.chat.completions.create(
                    model=self._name,
                    temperature=0,
                    max_tokens=60,
                    response_format={"type": "json_object"},
                    messages=[{"role": "system", "content": system}, {"role": "user", "content": message}],
                )
            except RETRIED:
                continue
            if answer.usage is None:
                raise Unavailable("the server counts no tokens, so nobody could be charged")
            usage = Usage(answer.usage.prompt_tokens, answer.usage.completion_tokens)
            return Reply(answer.choices[0].message.content or "", usage)
        raise Unavailable(f"no answer after {self._attempts} attempts")
