"""Recommended indexes: their state in the database, and the SQL or migration for missing ones."""

from .alembic import migration
from .ddl import effect_on_writers, statements_to_build
from .recommended import add_recommended_indexes, recommended_indexes
from .states import index_states, missing_indexes

__all__ = [
    "add_recommended_indexes",
    "effect_on_writers",
    "index_states",
    "migration",
    "missing_indexes",
    "recommended_indexes",
    "statements_to_build",
]
