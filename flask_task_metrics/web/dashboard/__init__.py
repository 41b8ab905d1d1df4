"""The dashboard: one page that shows the figures of the other endpoints, on a screen."""

from .page import Dashboard

__all__ = ["Dashboard"]
