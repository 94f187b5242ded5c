"""The catalogue: for each attribute in a view file, how many rows and how many different values its index has. The planner
estimates costs by it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class AttributeStatistics:
    """The statistics of one attribute: its id in the file, its rows, and how many different values they have."""

    id: int
    rows: int
    distinct_values: int

    @property
    def rows_per_value(self) -> int:
        """The rows that an equality assertion finds on average."""
        return self.rows // self.distinct_values + 1 if self.distinct_values else 1


Catalogue: TypeAlias = Mapping[str, AttributeStatistics]
"""Attribute key → its statistics."""


def read(connection: sqlite3.Connection) -> dict[str, AttributeStatistics]:
    """Return the statistics of all attributes that the file knows."""
    return {
        row[0]: AttributeStatistics(*row[1:])
        for row in connection.execute("SELECT key, id, rows, distinct_values FROM attribute")
    }
