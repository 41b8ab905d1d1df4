"""A query with anything but a whole number of minutes and known names is refused."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.databases import on
from tests.support.host import SOURCE
from tests.support.http import OUT_OF_RANGE, body_of, get_snapshot, host_client

pytestmark = on("sqlite")

NOT_DIGITS = "Must be a whole number in ASCII digits."
TWICE = "Must be given once."
UNKNOWN = "Unknown parameter; there are only: minutes, compare."
UNKNOWN_OF_SEVERAL = "Unknown parameter; there are only: minutes, source, compare."
NO_COMPARISON = "Must be one of: previous."
NO_SOURCE = "Must be one of: videos, imports."


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        pytest.param("minutes=", {"minutes": [NOT_DIGITS]}, id="empty"),
        pytest.param("minutes", {"minutes": [NOT_DIGITS]}, id="bare"),
        pytest.param("minutes=0", {"minutes": [OUT_OF_RANGE]}, id="zero"),
        pytest.param("minutes=1441", {"minutes": [OUT_OF_RANGE]}, id="more than the most"),
        pytest.param("minutes=-1", {"minutes": [NOT_DIGITS]}, id="minus"),
        pytest.param("minutes=%2B5", {"minutes": [NOT_DIGITS]}, id="plus"),
        pytest.param("minutes=1.5", {"minutes": [NOT_DIGITS]}, id="fraction"),
        pytest.param("minutes=6e1", {"minutes": [NOT_DIGITS]}, id="exponent"),
        pytest.param("minutes=0x3C", {"minutes": [NOT_DIGITS]}, id="hexadecimal"),
        pytest.param("minutes=6_0", {"minutes": [NOT_DIGITS]}, id="underscore"),
        pytest.param("minutes=%20 60", {"minutes": [NOT_DIGITS]}, id="space before"),
        pytest.param("minutes=60%0A", {"minutes": [NOT_DIGITS]}, id="new line behind"),
        pytest.param("minutes=60%00", {"minutes": [NOT_DIGITS]}, id="null byte"),
        pytest.param("minutes=%FF", {"minutes": [NOT_DIGITS]}, id="not UTF-8"),
        pytest.param(
            "minutes=%EF%BC%96%EF%BC%90", {"minutes": [NOT_DIGITS]}, id="full-width digits"
        ),
        pytest.param("minutes=%D9%A6%D9%A0", {"minutes": [NOT_DIGITS]}, id="Arabic digits"),
        pytest.param("minutes=" + "9" * 4000, {"minutes": [OUT_OF_RANGE]}, id="4000 digits"),
        pytest.param(
            "minutes=" + "9" * 5000, {"minutes": ["Not a valid integer."]}, id="5000 digits"
        ),
        pytest.param("minutes=60&minutes=60", {"minutes": [TWICE]}, id="twice"),
        pytest.param("hours=1", {"hours": [UNKNOWN]}, id="unknown"),
        pytest.param("Minutes=60", {"Minutes": [UNKNOWN]}, id="other case"),
        pytest.param("=60", {"": [UNKNOWN]}, id="nameless"),
        pytest.param("source=videos", {"source": [UNKNOWN]}, id="source of one"),
        pytest.param("compare=last", {"compare": [NO_COMPARISON]}, id="comparison"),
        pytest.param("compare=", {"compare": [NO_COMPARISON]}, id="empty comparison"),
        pytest.param(
            "compare=previous&compare=previous", {"compare": [TWICE]}, id="compared twice"
        ),
        pytest.param(
            "minutes=x&hours=1&days=1&days=2",
            {"minutes": [NOT_DIGITS], "hours": [UNKNOWN], "days": [UNKNOWN]},
            id="several at once",
        ),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_wrong_of_each_parameter(
    client: FlaskClient, query: str, errors: dict[str, list[str]]
) -> None:
    answer = get_snapshot(client, query)

    assert (422, errors) == (answer.status_code, body_of(answer).get("errors"))


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        pytest.param("source=mail", {"source": [NO_SOURCE]}, id="unknown"),
        pytest.param("source=", {"source": [NO_SOURCE]}, id="empty"),
        pytest.param("source=Videos", {"source": [NO_SOURCE]}, id="other case"),
        pytest.param("source=videos%00", {"source": [NO_SOURCE]}, id="null byte"),
        pytest.param("source=videos,imports", {"source": [NO_SOURCE]}, id="both"),
        pytest.param("source=videos&source=imports", {"source": [TWICE]}, id="twice"),
        pytest.param("sources=videos", {"sources": [UNKNOWN_OF_SEVERAL]}, id="unknown parameter"),
        pytest.param(
            "source=mail&minutes=0",
            {"source": [NO_SOURCE], "minutes": [OUT_OF_RANGE]},
            id="several at once",
        ),
    ],
)
def test_a_wrong_source_of_several_is_refused_with_those_there_are(
    database_url: str, query: str, errors: dict[str, list[str]]
) -> None:
    with host_client(database_url, {"videos": SOURCE, "imports": SOURCE}) as client:
        answer = get_snapshot(client, query)

    assert (422, errors) == (answer.status_code, body_of(answer).get("errors"))


def test_a_source_alone_is_no_parameter_even_if_it_has_a_name(database_url: str) -> None:
    with host_client(database_url, {"videos": SOURCE}) as client:
        answer = get_snapshot(client, "source=videos")

    assert (422, {"source": [UNKNOWN]}) == (answer.status_code, body_of(answer).get("errors"))
