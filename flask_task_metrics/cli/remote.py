"""The check of a remote app, by its `GET /metrics-check`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPErrorProcessor, Request, build_opener

from flask_task_metrics.exceptions import MetricsTimeout, MetricsUnavailable
from flask_task_metrics.figures import READINGS, SEVERITY, Condition, Judgement, Verdict

from .monitoring import Outcome, outcome_of

MOST_BYTES = 1_000_000

GATEWAY_STATUSES = (502, 503, 504)
"""The statuses of a proxy whose app does not answer."""

CRITICAL_CODES = (MetricsUnavailable.problem_code, MetricsTimeout.problem_code)


class _EveryAnswer(HTTPErrorProcessor):
    """Take every answer as it is: a redirection must not carry the secret elsewhere."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


def check_url(url: str, secret: bytes, query: Mapping[str, Any], seconds: float) -> Outcome:
    """Return the outcome of a remote app's check, within `seconds`.

    An app that does not answer is critical, and an answer that is none of a check unknown.
    """
    given = urlencode({name: value for name, value in query.items() if value is not None})
    address = f"{url}{'&' if '?' in url else '?'}{given}" if given else url
    # The header's bytes are sent as they are.
    headers = {"X-Admin-Secret": secret.decode("latin-1"), "Accept": "application/json"}
    answers: Queue[tuple[int, bytes] | Exception] = Queue()
    # A server may send a byte from time to time, or a name server nothing, for ever.
    request = Request(address, headers=headers)  # noqa: S310 - the scheme was checked
    Thread(target=_ask, args=(request, seconds, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        return Outcome("critical", f"no answer within {seconds:g} s")
    return _outcome(answer)


def _ask(request: Request, seconds: float, answers: Queue[tuple[int, bytes] | Exception]) -> None:
    try:
        with build_opener(_EveryAnswer).open(request, timeout=seconds) as response:
            answers.put((response.status, response.read(MOST_BYTES)))
    except (OSError, HTTPException, ValueError) as error:
        answers.put(error)


def _outcome(answer: tuple[int, bytes] | Exception) -> Outcome:
    if isinstance(answer, Exception):
        is_critical = isinstance(answer, OSError)
        return _failed(is_critical, f"no answer: {getattr(answer, 'reason', answer)}")
    status, body = answer
    try:
        return _outcome_of_content(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError):
        text = f"answered {status}, and not with a check; --url must lead to …/metrics-check"
        return _failed(status in GATEWAY_STATUSES, text)


def _failed(is_critical: bool, text: str) -> Outcome:
    return Outcome("critical" if is_critical else "unknown", text)


def _outcome_of_content(content: Any) -> Outcome:
    """Return the outcome of the JSON of a check or a problem; raise an error for any other."""
    if "checks" in content:
        verdicts = tuple(map(_verdict, content["checks"]))
        judgement = Judgement(SEVERITY[SEVERITY.index(content["status"])], verdicts)
        return outcome_of(judgement, content.get("source"))
    code = content["code"]
    errors = (f"{name}: {' '.join(texts)}" for name, texts in content.get("errors", {}).items())
    text = " ".join((f"{code}: {content['detail']}", *errors))
    return _failed(code in CRITICAL_CODES, text)


def _verdict(check: Any) -> Verdict:
    name, value = str(check["name"]), check["value"]
    # A newer app may have figures that are not known here.
    reading = READINGS.get(name)
    warn, crit = (
        reading.threshold.of(check[level]) if reading and check[level] is not None else None
        for level in ("warn", "crit")
    )
    known = value if value is None or isinstance(value, int | float) else str(value)
    status = SEVERITY[SEVERITY.index(check["status"])]
    return Verdict(Condition(name, warn, crit), status, known, str(check["text"]))
