"""Markdown for the clients that prefer it to JSON."""

from __future__ import annotations

from flask import Response, request

MARKDOWN = ("text/markdown", "text/markdown;charset=utf-8")
JSON = ("application/json", "application/json;charset=utf-8")


def prefers_markdown() -> bool:
    """Return whether the current request accepts Markdown, and likes JSON less.

    JSON is the answer to `*/*`, and to a request that accepts neither.
    """
    return request.accept_mimetypes.best_match((*JSON, *MARKDOWN)) in MARKDOWN


def markdown_response(text: str) -> Response:
    """Return a response with a text in Markdown."""
    return Response(text, mimetype="text/markdown")
