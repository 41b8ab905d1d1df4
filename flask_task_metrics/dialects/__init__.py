"""The only place that names a database."""

from .constructs import UtcSecond, elapsed_ms, exact_text, group_key, not_before, unicode_text
from .read_only import SUPPORTED, is_in_use, is_timeout, read_only_view

__all__ = [
    "SUPPORTED",
    "UtcSecond",
    "elapsed_ms",
    "exact_text",
    "group_key",
    "is_in_use",
    "is_timeout",
    "not_before",
    "read_only_view",
    "unicode_text",
]
