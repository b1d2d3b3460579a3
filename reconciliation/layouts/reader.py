"""One row of a file whose header is known, into lines of money, or the reason why not."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Final

from orders.money import NotMoney, exponent
from reconciliation.layouts.amounts import SHORT, NotAnAmount, minor_units
from reconciliation.layouts.layout import SKIP, Layout
from reconciliation.layouts.moments import Moments, NotATime
from reconciliation.layouts.words import Words
from reconciliation.lines import Columns, Line
from reconciliation.reading.problems import Problem
from reconciliation.states import EntryKind, EntryStatus

Get = Callable[[list[str]], str]
COMES: Final = frozenset({EntryKind.PAYMENT})
GOES: Final = frozenset({EntryKind.REFUND, EntryKind.REVERSAL})
OUT: Final = GOES | {EntryKind.FEE, EntryKind.PAYOUT}
# Django works `values` out anew each time it is asked; a million rows ask.
_KINDS: Final = frozenset(EntryKind.values)
_SETTLED: Final = str(EntryStatus.SETTLED.value)
# Fields of text in the order of `Line`, with the longest their column in the book takes.
ROOM: Final[Mapping[str, int]] = {
    "reference": 80,
    "external_reference": 80,
    "order_reference": 64,
    "batch": 64,
    "method": 24,
    "source": 24,
}
_SHORT: Final = min(ROOM.values())
_ROOM_OF_NAMES: Final = [ROOM[name] for name in ROOM if name != "method"]
# What a column may say without making more of a row than one line, and its fee.
_SIMPLE_KINDS: Final = COMES | GOES | {EntryKind.PAYOUT, EntryKind.ADJUSTMENT, EntryKind.FEE}
_SIMPLE_STATUSES: Final = frozenset({EntryStatus.SETTLED, EntryStatus.PENDING, EntryStatus.VOID})
# A status that says what became of the money later: the kind of the second line.
_AFTERWARDS: Final = {
    "refunded": EntryKind.REFUND,
    "partly_refunded": EntryKind.REFUND,
    "reversed": EntryKind.REVERSAL,
}


class Refused(Exception):
    """The row cannot be taken; `problem` goes into the quarantine with it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, facts)
        self.problem = Problem(code, facts)


class RowReader:
    """Reads the cells of one table. `place` says in which columns each field stands, and each column by its name.

    `sums` is what the amounts of all rows add up to as the file writes them, per currency: what a total line of
    the file claims.
    """

    def __init__(self, layout: Layout, place: Mapping[str, Sequence[int]], *, currency: str) -> None:
        self._layout, self._currency, self._place = layout, currency, place
        self._text_getters = [_getter(place.get(name, ())) for name in ROOM]
        self._get = {name: _getter(at) for name, at in place.items() if at}
        self._kinds, self._statuses = Words(layout.kinds), Words(layout.statuses)
        self._methods, self._directions = Words(layout.methods), Words(layout.directions)
        self._moments = Moments(layout.times, layout.zone)
        self._kind_of: dict[str, str] = {}
        self._currencies: set[str] = set()
        self.sums: Counter[str] = Counter()

    def read(self, number: int, cells: list[str]) -> list[Line]:
        """The lines of a row: none where the layout skips it. Raises Refused."""
        try:
            return self._summed_up(number, cells) if self._layout.lines else self._read(number, cells)
        except (NotAnAmount, NotATime) as error:
            raise Refused(error.problem.code, **error.problem.facts) from error

    def read_all(self, number: int, rows: Sequence[list[str]]) -> Columns | list[Line] | None:
        """What `read` says of these rows, column by column; None where that cannot be said of one of them so simply."""
        if not self._is_simple:
            return None
        with suppress(Refused, NotATime):
            return self._read_columns(number, list(zip(*rows, strict=True)))
        return None

    @cached_property
    def _is_simple(self) -> bool:
        layout, place = self._layout, self._place
        odd = {"date", "zone", "refunded"} & place.keys()
        is_signed_by_kind = layout.sign in ("kind", "signed") and "amount" in place and "occurred_at" in place
        return is_signed_by_kind and not (layout.lines or layout.equations or odd or len(place.get("fee", ())) > 1)

    def _read_columns(self, number: int, cells: Sequence[Sequence[str]]) -> Columns | list[Line] | None:
        kinds = _looked_up(self._kind_said, self._column("kind", cells, between="/"))
        statuses = _looked_up(self._status_said, self._column("status", cells))
        currency, *others = set(_looked_up(self._money_said, self._column("currency", cells)))
        texts = self._columns_of_text(cells)
        written, fees = (self._column_of_money(name, cells, currency) for name in ("amount", "fee"))
        if others or texts is None or written is None or fees is None or 0 in written:
            return None
        if not (set(kinds) <= _SIMPLE_KINDS and set(statuses) <= _SIMPLE_STATUSES):
            return None
        if self._layout.sign == "signed" and set(kinds) != COMES:
            return None
        reference, external, order, batch, method, source = texts
        at = self._moments.read_all(self._column("occurred_at", cells))
        amounts = [-each if kind in OUT else each for kind, each in zip(kinds, written, strict=True)]
        numbers, same = range(number, number + len(at)), [currency] * len(at)
        found = Columns(
            (numbers, kinds, amounts, same, at, reference, external, order, batch, method, statuses, source)
        )
        self.sums[currency] += sum(written)
        return _with_fees(found, fees) if any(fees) else found

    def _column(self, name: str, cells: Sequence[Sequence[str]], *, between: str = "") -> list[str]:
        """The first of the field's cells that is filled, or all of them with `between`; without blanks around."""
        columns = [list(map(str.strip, cells[at])) for at in self._place.get(name, ())]
        if len(columns) == 1:
            return columns[0]
        if not columns:
            return [""] * len(cells[0])
        if between:
            return list(map(between.join, zip(*columns, strict=True)))
        return [next(filter(None, each), "") for each in zip(*columns, strict=True)]

    def _columns_of_text(self, cells: Sequence[Sequence[str]]) -> list[list[str]] | None:
        """As `_text_fields`; None where a row names nothing, or names it at too great a length."""
        columns = [self._column(name, cells) for name in ROOM]
        *names, methods, sources = columns
        rooms = zip((*names, sources), _ROOM_OF_NAMES, strict=True)
        if any(max(map(len, column)) > room for column, room in rooms) or not all(map(any, zip(*names, strict=True))):
            return None
        return [*names, _looked_up(self._method, methods), _looked_up(str.casefold, sources)]

    def _column_of_money(self, name: str, cells: Sequence[Sequence[str]], currency: str) -> list[int] | None:
        """Minor units, where all are digits alone, or with two noughts behind them; a fee may be left out."""
        if name not in self._place:
            return [0] * len(cells[0])
        noughts, none, unit = f"{self._layout.decimal_mark}00", "0" if name == "fee" else "-", self._unit(currency)
        texts = [text.removesuffix(noughts) if text else none for text in self._column(name, cells)]
        digits = "".join(texts)
        if not (all(texts) and digits.isdigit() and digits.isascii() and max(map(len, texts)) <= SHORT):
            return None
        return list(map(int, texts)) if unit == 1 else [int(text) * unit for text in texts]

    def _unit(self, currency: str) -> int:
        return 1 if self._layout.amounts_in == "minor" else 10 ** exponent(currency)

    def claimed(self, cells: list[str]) -> tuple[str, int] | None:
        """What a total line claims, as (currency, minor units), in the currency of the rows where it names none.
        None where it claims nothing that can be read.
        """
        with suppress(NotAnAmount, Refused):
            currency = self._money_of_total(cells)
            return currency, self._as_written(cells, currency)
        return None

    def _money_of_total(self, cells: list[str]) -> str:
        try:
            return self._money(cells)
        except Refused:
            if len(self.sums) != 1:
                raise
            return next(iter(self.sums))

    def _read(self, number: int, cells: list[str]) -> list[Line]:
        kind, status = self._kind(cells), self._status(cells)
        if SKIP in {kind, status}:
            self._add_quietly(cells)
            return []
        currency = self._money(cells)
        texts = self._text_fields(cells)
        at = self._occurred(cells)
        written = self._as_written(cells, currency)
        self._check_equations(cells, currency)
        amount = self._signed(cells, written, kind)
        fees = self._added("fee", cells, currency)
        if not amount and kind in COMES | GOES:
            raise Refused("zero")
        self.sums[currency] += written
        named = Line(number, kind, amount, currency, at, *texts)
        if amount and status == _SETTLED and not fees:
            return [named]
        return self._with_consequences(named, cells, status, fees)

    def _with_consequences(self, line: Line, cells: list[str], status: str, fees: int) -> list[Line]:
        """The line itself, then what became of its money later, then what it cost."""
        later = _AFTERWARDS.get(status)
        says = EntryStatus.SETTLED if later else status
        found = [line._replace(status=says)] if line.amount else []
        if later:
            back = self._gone_back(cells, status, line.amount, line.currency)
            found.append(line._replace(kind=later, amount=-back))
        if fees and says == EntryStatus.SETTLED:
            found.append(line._replace(kind=EntryKind.FEE, amount=-fees))
        return found

    def _summed_up(self, number: int, cells: list[str]) -> list[Line]:
        """A row that is the sum of a batch: one line for each kind that `lines` names."""
        currency, texts, at = self._money(cells), self._text_fields(cells), self._occurred(cells)
        self._check_equations(cells, currency)
        found = [(kind, self._added_columns(names, cells, currency)) for kind, names in self._layout.lines.items()]
        self.sums[currency] += sum(amount for _kind, amount in found)
        return [
            Line(number, kind, -amount if kind in OUT else amount, currency, at, *texts)
            for kind, amount in found
            if amount
        ]

    # Words.

    def _kind(self, cells: list[str]) -> str:
        places = self._place.get("kind")
        if not places:
            return self._layout.default_kind
        return self._kind_said(
            cells[places[0]].strip() if len(places) == 1 else "/".join([cells[at].strip() for at in places])
        )

    def _kind_said(self, text: str) -> str:
        found = self._kind_of.get(text)
        if found is None:
            found = self._kind_of[text] = self._kind_named(text)
        return found

    def _kind_named(self, text: str) -> str:
        if not text.strip("/"):
            return self._layout.default_kind
        found = self._kinds.get(text)
        if found is None and text.casefold() in _KINDS:
            return text.casefold()
        if found is None:
            raise Refused("kind", text=text)
        return found

    def _status(self, cells: list[str]) -> str:
        get = self._get.get("status")
        return self._status_said(get(cells) if get else "")

    def _status_said(self, text: str) -> str:
        if not text:
            return self._layout.default_status
        found = self._statuses.get(text)
        if found is None:
            raise Refused("status", text=text)
        return found

    def _money(self, cells: list[str]) -> str:
        get = self._get.get("currency")
        return self._money_said(get(cells) if get else "")

    def _money_said(self, text: str) -> str:
        code = text.upper() or self._currency
        if code not in self._currencies:
            self._check_currency(code)
            self._currencies.add(code)
        return code

    def _check_currency(self, code: str) -> None:
        if not code:
            raise Refused("no_currency")
        try:
            exponent(code)
        except NotMoney as error:
            raise Refused("currency", text=code) from error

    def _text_fields(self, cells: list[str]) -> tuple[str, str, str, str, str, str, str]:
        """The fields of `Line` from `reference` on. A line without any could never be matched, nor found again."""
        reference, external, order, batch, method, source = [get(cells) for get in self._text_getters]
        if not (reference or external or order or batch):
            raise Refused("empty_field", field="reference")
        if max(len(reference), len(external), len(order), len(batch), len(source)) > _SHORT:
            self._check_room((reference, external, order, batch, "", source))
        return reference, external, order, batch, self._method(method), _SETTLED, source.casefold()

    def _method(self, text: str) -> str:
        return (self._methods.get(text) or text.casefold())[: ROOM["method"]] if text else ""

    def _check_room(self, texts: Sequence[str]) -> None:
        for text, (name, room) in zip(texts, ROOM.items(), strict=True):
            if len(text) > room:
                raise Refused("long_field", field=name, limit=room)

    def _occurred(self, cells: list[str]) -> datetime:
        get = self._get
        text = get["occurred_at"](cells) if "occurred_at" in get else ""
        if not text and "date" in get:
            text = f"{get['date'](cells)} {get['time'](cells) if 'time' in get else ''}".strip()
        if not text:
            raise Refused("empty_field", field="occurred_at")
        return self._moments.read(text, get["zone"](cells) if "zone" in get else "")

    # Money.

    def _minor(self, text: str, currency: str) -> int:
        layout = self._layout
        return minor_units(text, currency, mark=layout.decimal_mark, is_minor=layout.amounts_in == "minor")

    def _as_written(self, cells: list[str], currency: str) -> int:
        """The amount with the sign that the file gives it."""
        if self._layout.sign == "columns":
            return self._credit_less_debit(cells, currency)
        text = self._get["amount"](cells) if "amount" in self._get else ""
        if not text:
            raise Refused("empty_field", field="amount")
        return self._minor(text, currency)

    def _credit_less_debit(self, cells: list[str], currency: str) -> int:
        credit, debit = (self._added(name, cells, currency) for name in ("credit", "debit"))
        if credit and debit:
            raise Refused("both_columns")
        return credit - debit

    def _signed(self, cells: list[str], written: int, kind: str) -> int:
        """As it counts in the balance. A sign that contradicts the kind is refused, not mended."""
        match self._layout.sign:
            case "kind":
                amount = -abs(written) if kind in OUT else written
            case "direction":
                amount = self._directed(cells, written)
            case _:
                amount = written
        if (kind in COMES and amount < 0) or (kind in GOES and amount > 0):
            raise Refused("sign", text=str(written), kind=kind)
        return amount

    def _directed(self, cells: list[str], written: int) -> int:
        text = self._get["direction"](cells) if "direction" in self._get else ""
        way = self._directions.get(text) or text.casefold()
        if way not in {"credit", "debit"}:
            raise Refused("direction", text=text)
        return abs(written) if way == "credit" else -abs(written)

    def _gone_back(self, cells: list[str], status: str, amount: int, currency: str) -> int:
        given = self._added("refunded", cells, currency)
        if status == "partly_refunded" and not given:
            raise Refused("refund_amount")
        return abs(given) or amount

    def _added(self, field: str, cells: list[str], currency: str) -> int:
        places = self._place.get(field)
        return sum(self._minor(cells[at].strip() or "0", currency) for at in places) if places else 0

    def _added_columns(self, names: Sequence[str], cells: list[str], currency: str) -> int:
        """Columns by their names, those with a leading minus taken off."""
        return sum(
            (-1 if name.startswith("-") else 1) * self._added(f"={name.removeprefix('-')}", cells, currency)
            for name in names
        )

    def _check_equations(self, cells: list[str], currency: str) -> None:
        for left, parts in self._layout.equations.items():
            said, added = self._added(f"={left}", cells, currency), self._added_columns(parts, cells, currency)
            if said != added:
                raise Refused("does_not_add_up", left=left, said=said, sum=added)

    def _add_quietly(self, cells: list[str]) -> None:
        """A skipped row counts in what the file says it adds up to."""
        if claimed := self.claimed(cells):
            self.sums[claimed[0]] += claimed[1]


def _looked_up(meaning: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    """What each of them means, asked once for each word."""
    known = {text: meaning(text) for text in set(texts)}
    return list(map(known.__getitem__, texts))


def _with_fees(lines: Iterable[Line], fees: Iterable[int]) -> list[Line]:
    """What a settled line cost comes behind it."""
    found = []
    for line, fee in zip(lines, fees, strict=True):
        found.append(line)
        if fee and line.status == _SETTLED:
            found.append(line._replace(kind=EntryKind.FEE, amount=-fee))
    return found


def _getter(places: Sequence[int]) -> Get:
    """The first of these cells that is filled, without blanks around it."""
    if not places:
        return lambda cells: ""
    if len(places) == 1:
        at = places[0]
        return lambda cells: cells[at].strip()
    return lambda cells: next((text for at in places if (text := cells[at].strip())), "")
