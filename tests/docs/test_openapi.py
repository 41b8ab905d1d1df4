"""The OpenAPI document of the documentation is the one that the example's app prints."""

from __future__ import annotations

import json

from tests.support.example import app_on
from tests.support.openapi import document_of
from tests.support.pages import text


def test_it_is_that_of_the_example() -> None:
    printed = document_of(app_on("sqlite://"))
    assert printed == json.loads(text("docs/openapi.json")), "write it anew: make openapi"
