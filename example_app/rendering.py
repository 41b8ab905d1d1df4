"""The pretended rendering engines: how long they take, and how they fail."""

from __future__ import annotations

import math
from random import Random

ENGINES = ("aurora-2", "aurora-2-turbo", "cinema-1")

FAILURE_RATE = 0.05

MESSAGES = {
    "ENGINE_TIMEOUT: no answer after # s": 8,
    "[INVALID_PROMPT] the prompt is # words too long": 6,
    "RATE_LIMITED - retry in # s": 4,
    "ValueError: # frames can't be divided into scenes": 2,
    '{"code": "CONTENT_BLOCKED", "score": 0.#}': 2,
    "connection to 10.0.0.# timed out after 30 s": 2,
}
"""The relative frequency of each message; `#` stands for a number."""


def render_seconds(rng: Random) -> float:
    """Draw a rendering time: 25 s in the median, 45 s at the 95th percentile."""
    return rng.lognormvariate(math.log(25), 0.36)


def failure_message(rng: Random) -> str:
    """Draw the message of an engine that failed."""
    [message] = rng.choices(list(MESSAGES), list(MESSAGES.values()))
    return message.replace("#", str(rng.randrange(10, 100)))
