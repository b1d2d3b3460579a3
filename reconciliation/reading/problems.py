"""What can be wrong with a file or with a row, as a code and its facts, so that each reader gets own words.

Problems are stored: a sentence may be reworded, a code may not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OF_FILES: Final[Mapping[str, Promise]] = {
    "unreadable": _("The file cannot be read: %(why)s."),
    "empty": _("The file is empty."),
    "too_large": _("The file has %(size)s MB; at most %(limit)s MB are taken."),
    "unpacks_too_large": _("The file unpacks to %(size)s MB; at most %(limit)s MB are taken. Save it as CSV."),
    "too_many_rows": _("The file has more than %(limit)s rows. Split it."),
    "long_line": _("Line %(line)s is longer than %(limit)s characters. This is not a table."),
    "encoding": _("The file is neither UTF-8 nor UTF-16 nor Windows-1252 text."),
    "binary": _("The file is full of NUL bytes: it is no text. If it is UTF-16, save it as UTF-8."),
    "not_a_table": _("The file is neither CSV, nor XLSX, nor a ZIP of them."),
    "broken_archive": _("The archive is damaged, or does not hold what it says: %(why)s."),
    "encrypted": _("The file is encrypted. Save it without a password."),
    "too_many_entries": _("The archive has %(count)s files; at most %(limit)s are taken."),
    "nested": _("The archive holds another archive, “%(name)s”. Unpack it first."),
    "no_table_inside": _("The archive holds no CSV and no XLSX file."),
    "workbook": _("The workbook cannot be read: %(why)s."),
    "header": _(
        "This is not a file of the layout %(layout)s: it has no column for %(missing)s. Its columns are: %(found)s."
    ),
    "header_twice": _("More than one column is named %(columns)s."),
    "no_rows": _("The file has a header and no rows."),
}

OF_ROWS: Final[Mapping[str, Promise]] = {
    "open_quote": _("a quote is opened and never closed"),
    "columns": _("it has %(found)s columns, the header has %(wanted)s"),
    "nul": _("it has a NUL character"),
    "long_cell": _("a cell is longer than %(limit)s characters"),
    "rounded_number": _("cell %(cell)s is a number of more than 15 digits, which spreadsheets round; make it text"),
}

OF_NOTES: Final[Mapping[str, Promise]] = {
    "windows_1252": _("The text is not UTF-8; it was read as Windows-1252."),
    "formulas": _("The sheet holds formulas; what the spreadsheet last computed was read."),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: a code of the tables above, or of the layouts', and the facts of its sentence."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class FileRefused(Exception):
    """The file as a whole cannot be read; nothing of it was taken."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.problem = Problem(code, facts)

    def __str__(self) -> str:
        return str(OF_FILES[self.problem.code]) % self.problem.facts
