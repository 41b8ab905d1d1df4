"""Connections of the host's pool: checked out within a deadline, read from, and given back as they
were.
"""

from .access import open_connection, read_transaction
from .connector import Connector
from .driver_errors import sqlstate
from .streams import streamed
from .transactions import read_only_transaction

__all__ = [
    "Connector",
    "open_connection",
    "read_only_transaction",
    "read_transaction",
    "sqlstate",
    "streamed",
]
