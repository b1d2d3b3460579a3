"""Who did it and what it was about: the values that a sentence of `orders.queries.sentences` names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from orders import messages as texts
from orders import names
from orders.models import History, InboundEvent
from orders.queries import sentences
from orders.queries.order_page import OrderRows
from orders.states import Channel

UNKNOWN = "?"
Fact = tuple[str, datetime | str]  # label, value


class Values(dict[str, str]):
    """A sentence never fails for a value that is not there: it says that it is not known."""

    def __missing__(self, name: str) -> str:
        return UNKNOWN


def who(actor: str, people: Mapping[str, str]) -> str:
    """An actor in the reader's language: a person, a system, or a rule of ours."""
    if actor in people:
        return people[actor]
    kind, _colon, name = actor.partition(":")
    if kind in ("gateway", "partner"):
        return names.system(name)
    if kind == "channel":
        return _("customer (%(channel)s)") % {"channel": _channel(name)}
    if kind == "import":
        return _("import of %(file)s") % {"file": name}
    if kind == "sql":
        return _("straight in the database (%(account)s)") % {"account": name}
    return name if kind in ("user", "ci") else _("system")


def _channel(name: str) -> str:
    return str(Channel(name).label) if name in Channel.values else name


@dataclass(frozen=True)
class Cast:
    """Everybody and everything that a timeline's sentences speak of."""

    rows: OrderRows
    people: Mapping[str, str] = field(default_factory=dict)

    def values(self, row: History) -> Values:
        """What the sentence about `row` may name."""
        known = Values(actor=who(row.actor, self.people), channel=_channel(self.rows.order.channel))
        known.update(self._subject(row.machine, row.subject_id))
        known.update(self._detail(row.detail))
        return known

    def about(self, message: InboundEvent) -> Values:
        """What the sentence about a message may name."""
        return Values(source=names.system(message.source), claim=message.claim or UNKNOWN)

    def sum_of(self, machine: str, subject_id: int) -> tuple[int, str] | None:
        """The money that a refund or an entry for Head Office moves, in minor units."""
        if machine == "refund":
            return next(((row.amount, row.currency) for row in self.rows.refunds if row.pk == subject_id), None)
        if machine == "posting":
            return next(((row.amount, row.currency) for row in self.rows.postings if row.pk == subject_id), None)
        return None

    def _subject(self, machine: str, subject_id: int) -> dict[str, str]:
        tell = getattr(self, f"_{machine}", None)
        return tell(subject_id) if tell else {}

    def _attempt(self, attempt_id: int) -> dict[str, str]:
        attempt = self.rows.attempt_by_id.get(attempt_id)
        return {"number": str(attempt.number), "gateway": names.system(attempt.gateway)} if attempt else {}

    def _refund(self, refund_id: int) -> dict[str, str]:
        refund = next((each for each in self.rows.refunds if each.pk == refund_id), None)
        return self._attempt(refund.attempt_id) if refund else {}

    def _step(self, step_id: int) -> dict[str, str]:
        step = next((each for each in self.rows.steps if each.pk == step_id), None)
        if step is None:
            return {}
        what = _labelled(sentences.STEPS, step.name)
        return {"partner": names.system(step.partner), "item": _item(step), "what": what}

    def _notice(self, notice_id: int) -> dict[str, str]:
        notice = next((each for each in self.rows.notices if each.pk == notice_id), None)
        return {"message": texts.label(notice.template), "provider": names.system(notice.provider)} if notice else {}

    def _posting(self, posting_id: int) -> dict[str, str]:
        posting = next((each for each in self.rows.postings if each.pk == posting_id), None)
        return {"entry": str(sentences.ENTRIES[posting.kind])} if posting else {}

    def _detail(self, detail: Mapping[str, Any]) -> dict[str, str]:
        """What the fact itself carries; a word that has a label is told by it."""
        told = {
            name: str(detail[name]) for name in ("owner", "field", "action", "status", "reference") if name in detail
        }
        told["owner"] = self.people.get(f"user:{told.get('owner')}", told.get("owner", UNKNOWN))
        told["anomaly"] = _labelled(sentences.ANOMALIES, str(detail.get("kind", UNKNOWN)))
        told["status"] = sentences.status_words(told.get("action", ""), told.get("status", UNKNOWN))
        told["about"] = _labelled(sentences.CALLS, str(detail.get("about", UNKNOWN)))
        for name, labels in (("field", sentences.FIELDS), ("action", sentences.ACTIONS)):
            told[name] = _labelled(labels, told.get(name, UNKNOWN))
        return told


def facts_of(row: History) -> tuple[Fact, ...]:
    """What an oddity is about: times as instants, all else as text. `detail` has every time of the order;
    its kind names those that are odd."""
    if row.verb != "anomaly":
        return ()
    kind = str(row.detail.get("kind", ""))
    told = [(str(label), row.detail.get(name)) for name, label in sentences.ODDITIES.items() if _is_odd(name, kind)]
    return tuple((label, _value(value)) for label, value in told if value is not None)


def _is_odd(name: str, kind: str) -> bool:
    return _NAMED_BY.get(name, kind) in kind


# The part of a kind's name that speaks of a time (docs/import.md): completed_after_promise.
_NAMED_BY: Mapping[str, str] = {
    "created_at": "created",
    "paid_at": "payment",
    "active_at": "dispatch",
    "completed_at": "complet",
    "promised_by": "promise",
}


def _value(value: Any) -> datetime | str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return parse_datetime(text) or text


def _item(step: Any) -> str:
    return f"{step.number} ({step.item.get_service_display()})" if step.item else str(step.number)


def _labelled(labels: Mapping[str, Any], name: str) -> str:
    return str(labels.get(name, name))
