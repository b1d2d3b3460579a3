"""Files as other people make them, read into numbered rows of text. Pure: no database, no meaning of a column."""

from reconciliation.reading.opening import open_tables
from reconciliation.reading.problems import FileRefused, Problem
from reconciliation.reading.rows import Limits, Row, Table

__all__ = ["FileRefused", "Limits", "Problem", "Row", "Table", "open_tables"]
