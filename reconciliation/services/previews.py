"""What a file would become by a layout, before anything is loaded: its first rows, and what is wrong with them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from reconciliation.layouts import Layout, fit
from reconciliation.layouts.headers import Fitted
from reconciliation.lines import Line
from reconciliation.reading import FileRefused, Problem, Row, Table, open_tables
from reconciliation.services.files import path_of

LOOKED_AT: Final = 200  # rows that are judged
SHOWN: Final = 15
_TOP: Final = 20  # rows among which the header is looked for


@dataclass(frozen=True)
class PreviewRow:
    """One row of the file: its cells as they stand, and the lines or the problem it would become."""

    number: int
    cells: Sequence[str]
    lines: Sequence[Line] = ()
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`refusal`: why the file as a whole does not fit; then `rows` are its first ones, unread."""

    columns: Sequence[str] = ()
    header_row: int = 0
    places: dict[str, list[str]] = field(default_factory=dict)
    rows: Sequence[PreviewRow] = ()
    looked_at: int = 0
    good: int = 0
    skipped: int = 0
    bad: int = 0
    problems: Sequence[tuple[Problem, int]] = ()
    notes: Sequence[Problem] = ()
    tables: int = 0
    refusal: Problem | None = None


def preview(file: str, layout: Layout, *, currency: str = "") -> Preview:
    """Reads the top of a kept file. Never raises: what is wrong is part of the answer."""
    try:
        with open_tables(path_of(file)) as tables:
            try:
                return _fitting(fit(tables, layout, currency=currency))
            except FileRefused as refused:
                return _unfit(tables, refused.problem)
    except FileRefused as refused:
        return Preview(refusal=refused.problem)


def _fitting(fitted: Sequence[Fitted]) -> Preview:
    first = fitted[0]
    looked_at = [_row(row, said) for row, said in islice(first.rows(), LOOKED_AT)]
    bad = [row for row in looked_at if row.problem]
    kinds = Counter((row.problem.code, tuple(sorted(row.problem.facts.items()))) for row in bad if row.problem)
    return Preview(
        columns=first.header,
        header_row=first.header_row,
        places={name: [first.header[at] for at in places] for name, places in first.place.items()},
        rows=_worth_showing(looked_at),
        looked_at=len(looked_at),
        good=sum(1 for row in looked_at if row.lines),
        skipped=sum(1 for row in looked_at if not row.lines and not row.problem),
        bad=len(bad),
        problems=[(Problem(code, dict(facts)), count) for (code, facts), count in kinds.most_common(8)],
        notes=first.table.notes,
        tables=len(fitted),
        refusal=None if looked_at else Problem("no_rows"),
    )


def _worth_showing(rows: Sequence[PreviewRow]) -> list[PreviewRow]:
    """The first rows, and among them those with problems, which are what a preview is for."""
    shown = {row.number: row for row in rows[: SHOWN - 5]}
    for row in islice((row for row in rows if row.problem), SHOWN):
        if len(shown) < SHOWN:
            shown[row.number] = row
    for row in rows:
        if len(shown) >= SHOWN:
            break
        shown.setdefault(row.number, row)
    return [shown[number] for number in sorted(shown)]


def _row(row: Row, said: Sequence[Line] | Problem) -> PreviewRow:
    cells = row.cells if row.cells is not None else [row.raw]
    if isinstance(said, Problem):
        return PreviewRow(row.number, cells, problem=said)
    return PreviewRow(row.number, cells, lines=said)


def _unfit(tables: Sequence[Table], refusal: Problem) -> Preview:
    """The top of the file as it is, with the row that most looks like a header as its columns."""
    top = list(_top(tables))
    widest = max(top, key=lambda row: sum(1 for cell in row.cells or () if cell.strip()), default=None)
    if widest is None:
        return Preview(refusal=refusal)
    below = [PreviewRow(row.number, row.cells or [row.raw]) for row in top if row.number > widest.number]
    return Preview(
        columns=[cell.strip() for cell in widest.cells or ()],
        header_row=widest.number,
        rows=below[:SHOWN],
        refusal=refusal,
        tables=len(tables),
    )


def _top(tables: Sequence[Table]) -> Iterator[Row]:
    if tables:
        yield from (row for row in islice(tables[0].rows(), _TOP) if row.cells)
