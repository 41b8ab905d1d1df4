"""Error messages: most recur with other numbers, and some occur only once."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from string import ascii_lowercase

ONCE_RATE = 0.1
"""The share of messages that occur only once, each with an error code of its own."""

TEMPLATES = (
    "ENGINE_TIMEOUT: no answer after # s",
    "[INVALID_PROMPT] the prompt is # words too long",
    "RATE_LIMITED - retry in # s",
    "ConnectionError: the engine at 10.0.0.# refused the connection",
    "CONTENT_BLOCKED: the prompt scored 0.# where 0.# is allowed",
    '{"code": "QUOTA_EXCEEDED", "limit": #, "used": #}',
    "OUT_OF_MEMORY: frame # needs # GB",
    "requests.exceptions.ReadTimeout: read timed out after # s",
    "connection to 10.0.0.# timed out after # s",
    "CODEC_UNSUPPORTED: no decoder for stream #",
    "ValueError: # frames can't be divided into # scenes",
    "UPLOAD_FAILED: the store answered 503 after # s",
    "[WORKER_LOST] worker-# sent no heartbeat for # s",
    "psycopg.OperationalError: server closed the connection unexpectedly",
    "AUDIO_MISMATCH: the track is # ms longer than the picture",
    "worker-# was stopped by signal 9 while rendering frame #",
    "ASSET_NOT_FOUND: the reference image has gone",
    "FileNotFoundError: [Errno 2] no such file: 'frame-#.png'",
    "GPU_UNAVAILABLE: # tasks are ahead on the only device",
    "botocore.exceptions.ClientError: An error occurred (SlowDown) on part #",
    '{"error_code": "LICENSE_EXPIRED", "days": #}',
    "STORYBOARD_EMPTY: no scene is longer than # ms",
    "KeyError: 'keyframes'",
    "RuntimeError: CUDA error: device-side assert triggered on device #",
    "RESOLUTION_UNSUPPORTED: 4# lines",
    "the engine answered 502 Bad Gateway # times in a row",
    "LANGUAGE_UNSUPPORTED - the narration is not in one of # languages",
    "json.decoder.JSONDecodeError: Expecting value: line # column #",
    "WATERMARK_FAILED: overlay # is larger than the picture",
    "disk quota of # GB exceeded on render-#",
    "TRANSCODE_FAILED: exit status # in pass #",
    "BrokenPipeError: [Errno 32] Broken pipe",
    "SCENE_LIMIT: # scenes where 4# are allowed",
    "ssl.SSLError: handshake timed out after # s",
    "[PREVIEW_FAILED] no picture after # s",
    "MODEL_NOT_LOADED: aurora-# is not on this host",
)
"""The messages that recur, the most frequent first. Each `#` becomes a number."""

WEIGHTS = tuple(accumulate(1 / rank for rank in range(1, len(TEMPLATES) + 1)))


def failure_message(rng: Random) -> str:
    """Return the message of a failed task."""
    if rng.random() < ONCE_RATE:
        return f"no light reaches the node {_word(rng)} of the scene {_word(rng)}"
    [message] = rng.choices(TEMPLATES, cum_weights=WEIGHTS)
    while "#" in message:
        message = message.replace("#", str(rng.randrange(10, 100)), 1)
    return message


def _word(rng: Random) -> str:
    return "".join(rng.choices(ascii_lowercase, k=10))
