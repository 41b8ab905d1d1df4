"""The host's task table: its columns, its statuses and the error codes of its failed tasks."""

from .column_types import plain_type, type_name
from .columns import EpochUnit, from_epoch
from .dimensions import MOST_CHARACTERS, MOST_VALUES, Dimension
from .error_codes import LONG_LENGTH, START_LENGTH, ErrorCodeOf, code_of_message, error_code
from .filters import NO_FILTER, Filter, Shape, known_dimension
from .mapping import OPTIONAL_TIMESTAMPS, TIMESTAMPS
from .named import Mappable, named_sources
from .shapes import table_columns
from .since import since_values
from .statuses import ENDED, STATUSES, Status
from .task_source import Selectable, TaskSource
from .tracebacks import GROUP, TRACEBACK

__all__ = [
    "ENDED",
    "GROUP",
    "LONG_LENGTH",
    "MOST_CHARACTERS",
    "MOST_VALUES",
    "NO_FILTER",
    "OPTIONAL_TIMESTAMPS",
    "START_LENGTH",
    "STATUSES",
    "TIMESTAMPS",
    "TRACEBACK",
    "Dimension",
    "EpochUnit",
    "ErrorCodeOf",
    "Filter",
    "Mappable",
    "Selectable",
    "Shape",
    "Status",
    "TaskSource",
    "code_of_message",
    "error_code",
    "from_epoch",
    "known_dimension",
    "named_sources",
    "plain_type",
    "since_values",
    "table_columns",
    "type_name",
]
