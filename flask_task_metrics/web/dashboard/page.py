"""`GET /metrics-dashboard` and the files that the page loads; neither needs the secret."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from .assets import STATIC, Assets, mimetype_of
from .sources import dashboard_sources

RULE = "/metrics-dashboard"

A_YEAR_OF_SECONDS = 365 * 24 * 60 * 60

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


class Dashboard:
    """The page, and its assets below a hash: a browser keeps them until they change."""

    def __init__(self) -> None:
        self._assets = Assets.read()
        page = (STATIC / "page.html").read_text(encoding="utf-8")
        self._page = page.replace("{hash}", self._assets.hash)

    @property
    def views(self) -> dict[str, Callable[[], Response]]:
        """Return the views by their rules; no browser keeps their answers."""
        return {RULE: self.dashboard_page, f"{RULE}/sources": dashboard_sources}

    @property
    def open_rules(self) -> list[str]:
        """Return the rules that need no secret: those of the page and of its assets."""
        return [RULE, *(f"{self._folder}/{name}" for name in self._assets.contents)]

    @property
    def _folder(self) -> str:
        return f"{RULE}/{self._assets.hash}"

    def add_assets(self, blueprint: Blueprint) -> None:
        """Add the route of the assets to a blueprint; any other path is the app's own 404."""
        names = ", ".join(f'"{name}"' for name in self._assets.contents)
        rule = f"{self._folder}/<any({names}):name>"
        blueprint.add_url_rule(rule, view_func=self.dashboard_asset)

    def dashboard_page(self) -> Response:
        """Answer with the page: it has no figure, and asks for the secret."""
        response = Response(self._page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def dashboard_asset(self, name: str) -> Response:
        """Answer with an asset, to be kept for a year: with another content it has another path."""
        response = Response(self._assets.contents[name], mimetype=mimetype_of(name))
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR_OF_SECONDS}, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
