"""One order's story: transitions, facts, messages and what operators did, each as one plain sentence.

Lines stand in the order in which we learnt of them, because that explains what people and machines
did; an imported order's lines stand in the order in which they happened, for all were learnt at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from orders import messages as texts
from orders import names
from orders.models import History, InboundEvent, Notice, Order
from orders.queries import sentences
from orders.queries.order_page import Memory, OrderRows, people
from orders.queries.phrases import Retold, retold
from orders.queries.telling import Cast, Fact, facts_of, who
from orders.states import Service

# Clocks differ; what was learnt within this span was learnt at once.
AT_ONCE: Final = timedelta(seconds=5)
# From this many equal lines on, the last one stands for all.
FOLDED_FROM: Final = 4
NOTHING: Final = Retold("", is_known=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened.

    `verdict` is the state of a message, '' for all else; `quote` are a person's own words, `why` a
    machine's; `by` is who did it, where that is worth a word; `facts` are what an oddity is about;
    `earlier` are the times of equal lines folded into it.
    """

    key: str
    machine: str
    subject_id: int
    verb: str
    source: str
    target: str
    sentence: str
    by: str
    happened_at: datetime
    learnt_at: datetime
    is_move: bool = False
    is_operator: bool = False
    verdict: str = ""
    why: Retold = NOTHING
    quote: str = ""
    status: str = ""
    amount: int | None = None
    currency: str = ""
    message: InboundEvent | None = None
    vehicle: str = ""
    driver: str = ""
    facts: tuple[Fact, ...] = ()
    earlier: tuple[datetime, ...] = ()

    @property
    def late_by(self) -> timedelta | None:
        """How long after it happened we learnt of it; None for at once."""
        late = self.learnt_at - self.happened_at
        return late if late > AT_ONCE else None


def timeline(rows: OrderRows, memory: Memory, *, only_moves: bool = False, newest_first: bool = True) -> Sequence[Line]:
    """The whole story, or only what changed a state."""
    cast = Cast(rows, people(_actors(memory)))
    lines = [*_history_lines(cast, memory), *_message_lines(cast, memory.messages), *_notice_lines(rows.notices)]
    imported = rows.order.origin == Order.Origin.IMPORT
    lines.sort(key=lambda line: line.happened_at if imported else line.learnt_at)
    wanted = [line for line in _folded(lines) if line.is_move or not only_moves]
    return wanted[::-1] if newest_first else wanted


def _actors(memory: Memory) -> set[str]:
    owners = {f"user:{row.detail['owner']}" for row in memory.history if row.detail.get("owner")}
    return owners | {row.actor for row in memory.history}


def _history_lines(cast: Cast, memory: Memory) -> Iterable[Line]:
    told_by_message = _last_verdicts(memory)
    for row in memory.history:
        if row.pk not in told_by_message and row.machine != "notice" and not _is_only_the_way(row):
            yield _history_line(cast, row)


def _is_only_the_way(row: History) -> bool:
    """An import walks a payment through our machine; nobody here ever asked for its link."""
    return row.actor.startswith("import:") and row.machine == "attempt" and row.verb in ("create", "send")


def _last_verdicts(memory: Memory) -> set[int]:
    """History rows that say what the line of a message says already: its present verdict."""
    last: dict[int, History] = {}
    for row in memory.history:
        if row.machine == "inbound":
            last[row.subject_id] = row
    shown = {message.pk for message in memory.messages}
    return {row.pk for row in last.values() if row.verb != "replay" and row.subject_id in shown}


def _history_line(cast: Cast, row: History) -> Line:
    is_move = row.source != row.target and bool(row.source or row.machine == "order")
    is_person = row.actor.startswith("user:")
    speaks = is_person and _is_own_words(row)
    money = cast.sum_of(row.machine, row.subject_id) if is_move or row.verb == "create" else None
    sentence = _sentence(cast, row) % cast.values(row)
    return Line(
        key=f"h{row.seq}",
        machine=row.machine,
        subject_id=row.subject_id,
        verb=row.verb,
        source=row.source,
        target=row.target,
        sentence=sentence,
        by=_worth_naming(row, who(row.actor, cast.people), sentence),
        happened_at=row.occurred_at,
        learnt_at=row.recorded_at,
        is_move=is_move,
        is_operator=is_person,
        status=str(row.detail.get("status", "")) if row.verb == "action_finished" else "",
        quote=row.reason if speaks else "",
        why=NOTHING if speaks or row.reason == sentences.ONE_CLICK else retold(row.reason),
        amount=money[0] if money else row.detail.get("amount"),
        currency=money[1] if money else cast.rows.order.currency,
        vehicle=str(row.detail.get("vehicle", "")),
        driver=str(row.detail.get("driver", "")),
        facts=facts_of(row),
    )


def _is_own_words(row: History) -> bool:
    """The outcome of an action is the machine's, though it is written in its operator's name."""
    return row.verb != "action_finished" and row.reason not in (sentences.ONE_CLICK, sentences.TAKEN_BACK)


def _worth_naming(row: History, name: str, sentence: str) -> str:
    """A person, and whoever wrote past the application. What machines do by themselves needs no name."""
    return name if row.actor.startswith(("user:", "sql:")) and name not in sentence else ""


def _sentence(cast: Cast, row: History) -> str:
    """A verb nobody has words for is shown as it is: better a code than a lie."""
    own = sentences.GOODS if cast.rows.order.service == Service.GOODS else {}
    move = (row.machine, row.verb)
    found = own.get(move) or sentences.MOVES.get(move) or sentences.FACTS.get(row.verb)
    return str(found) if found else f"{row.machine} {row.verb}".replace("%", "%%")


def _message_lines(cast: Cast, messages: Iterable[InboundEvent]) -> Iterable[Line]:
    for message in messages:
        verb = _VERBS[message.state]
        yield Line(
            key=f"m{message.pk}",
            machine="inbound",
            subject_id=message.pk,
            verb=verb,
            source="",
            target=message.state,
            sentence=str(sentences.MOVES["inbound", verb]) % cast.about(message),
            by="",
            happened_at=message.occurred_at or message.received_at,
            learnt_at=message.received_at,
            verdict=message.state,
            why=retold(message.verdict),
            message=message,
        )


def _notice_lines(notices: Iterable[Notice]) -> Iterable[Line]:
    """One line for each message to a person, with what became of it; its history has the way there."""
    for notice in notices:
        verb = _NOTICE_VERBS[notice.state]
        values = {"message": texts.label(notice.template), "provider": names.system(notice.provider)}
        yield Line(
            key=f"n{notice.pk}",
            machine="notice",
            subject_id=notice.pk,
            verb=verb,
            source="",
            target=notice.state,
            sentence=str(sentences.MOVES["notice", verb]) % values,
            by="",
            happened_at=notice.entered_at,
            learnt_at=notice.entered_at,
            why=retold(notice.last_error),
        )


_NOTICE_VERBS: Final = {
    "queued": "create",
    "unknown": "send",
    "sent": "accept",
    "delivered": "deliver",
    "failed": "fail",
    "withdrawn": "withdraw",
}
_VERBS: Final = {
    "stored": "create",
    "applied": "apply",
    "duplicate": "repeat",
    "out_of_order": "outrank",
    "illegal": "refuse",
    "quarantined": "quarantine",
}


def _folded(lines: Sequence[Line]) -> list[Line]:
    """The same line four times and more becomes one, the last, that names the times of the others."""
    times: dict[tuple[object, ...], list[datetime]] = {}
    for line in lines:
        times.setdefault(_same(line), []).append(line.learnt_at)
    left = {key: len(found) for key, found in times.items()}
    kept = []
    for line in lines:
        key = _same(line)
        left[key] -= 1
        if len(times[key]) < FOLDED_FROM:
            kept.append(line)
        elif not left[key]:
            kept.append(replace(line, earlier=tuple(times[key][:-1])))
    return kept


def _same(line: Line) -> tuple[object, ...]:
    """What must be equal. What people did and what came from outside is never folded."""
    if line.is_operator or line.message or line.machine == "order":
        return (line.key,)
    return (line.machine, line.subject_id, line.verb, line.why.text)
