"""The JSON of answers: the OpenAPI document shows it."""

from .check import CheckSchema
from .problem import ProblemSchema
from .series import SeriesSchema
from .snapshot import SnapshotSchema

__all__ = ["CheckSchema", "ProblemSchema", "SeriesSchema", "SnapshotSchema"]
