"""Backfilling another platform's orders through our own state machines. See docs/import.md."""

from orders.services.importing.mapping import MappingRefused, load_mapping
from orders.services.importing.run import ImportRefused, Summary, Unread, import_orders, write_report
from orders.services.importing.sheets import SheetRefused

__all__ = [
    "ImportRefused",
    "MappingRefused",
    "SheetRefused",
    "Summary",
    "Unread",
    "import_orders",
    "load_mapping",
    "write_report",
]
