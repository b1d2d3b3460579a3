"""Telling those on duty: PagerDuty, Slack and email, each by itself, none waiting for another.

A page is marked `unknown` before it is sent. PagerDuty finds a repetition by its key, so it may be sent again; Slack
and email are asked for the key first, and only when they have certainly never heard of it the page goes again.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.leases import claim, finish, hold
from orders.resilience import Outcome
from orders.resilience.outcome import Answered, Refused, Retryable
from runbooks.clients import mail, pagerduty, slack
from runbooks.hearing.pagerduty import OURS
from runbooks.incident_states import LIVE, PageState, PageVerb, Severity
from runbooks.models import Incident, Page
from runbooks.transitions import move_page, tell_incident

C = Page.Channel
# Who hears of what (domain, section 7): PagerDuty wakes people for P0 and P1 only.
WAKES: Final = (Severity.P0, Severity.P1)
_ACTIONS: Final[Mapping[str, str]] = {"resolve": "resolve", "acknowledge": "acknowledge"}
_WORDS: Final[Mapping[str, str]] = {
    "open": "opened",
    "reopen": "came back",
    "worse": "got worse",
    "unheard": "NOBODY HAS TAKEN IT",
    "lapsed": "was taken, and nothing followed: NOBODY HAS IT",
    "acknowledge": "is in hand",
    "resolve": "is resolved",
}
GIVE_UP: Final = timedelta(hours=6)
LATE: Final = timedelta(seconds=4)  # then the ticker sends a page itself: workers, or Redis, are away
PAGES: Final = (15, 30, 60, 120, 300)  # seconds


def page(incident: Incident, purpose: str) -> None:
    """Queue one page by every channel its severity asks for. Call inside the transaction of what it tells."""
    number = incident.pages.filter(purpose=purpose, channel=C.SLACK).count()
    for channel, receiver in _receivers(incident, purpose):
        Page.objects.create(
            incident=incident,
            channel=channel,
            purpose=purpose,
            receiver=receiver,
            key=f"{incident.code}:{purpose}:{number}:{channel}",
            body=_body(incident, channel, purpose),
            due_at=timezone.now(),
        )
    ring("page")


def _receivers(incident: Incident, purpose: str) -> list[tuple[str, str]]:
    to = settings.PAGING
    wakes = incident.severity in WAKES or (purpose == "resolve" and incident.pages.filter(channel=C.PAGERDUTY).exists())
    found = [(C.PAGERDUTY, "on-call")] if wakes else []
    mails = [] if purpose == "acknowledge" else [(C.MAIL, ",".join(to["mail"]["on_call"]))]
    return [*found, (C.SLACK, to["slack"]["channel"]), *mails]


def _body(incident: Incident, channel: str, purpose: str) -> Mapping[str, Any]:
    link = f"{settings.PUBLIC_URL}/incidents/{incident.code}/"
    severity = Severity(incident.severity).label
    line = f"[{severity}] {incident.code} {_WORDS[purpose]}: {incident.title} ({incident.service})"
    if channel == C.PAGERDUTY:
        action = _ACTIONS.get(purpose, "trigger")
        return pagerduty.event(action, summary=line, severity=incident.severity, source=incident.service, link=link)
    return {"subject": line, "text": f"{line}\n{link}"}


def key_at(row: Page) -> str:
    """What the receiver knows it by: one incident of ours is one of PagerDuty's, whatever is told of it."""
    return f"{OURS}{row.incident.code}:1" if row.channel == C.PAGERDUTY else row.key


def work(row: Page) -> None:
    """One look at a page, leased by the caller: send it, or ask what became of it."""
    row.incident = Incident.objects.get(pk=row.incident_id)
    if row.state == PageState.QUEUED and timezone.now() - row.created_at > GIVE_UP:
        _end(row, PageVerb.FAIL, "not taken within six hours")
    elif row.state == PageState.QUEUED and _is_old_news(row):
        _end(row, PageVerb.WITHDRAW, "")
    elif row.state == PageState.QUEUED or (row.state == PageState.UNKNOWN and row.channel == C.PAGERDUTY):
        _send(row)
    elif row.state == PageState.UNKNOWN:
        _ask(row)
    else:
        finish(row, due_at=None)


def _is_old_news(row: Page) -> bool:
    """Waking people for what is over helps nobody; that it is over is still told."""
    return row.message_id is None and row.purpose != "resolve" and row.incident.state not in LIVE


def _send(row: Page) -> None:
    with transaction.atomic():
        hold(row)
        if row.state == PageState.QUEUED:
            move_page(row, PageVerb.SEND, sent_at=timezone.now())
    _write(row, _call(row))


def _call(row: Page) -> Outcome[str]:
    if row.channel == C.PAGERDUTY:
        return pagerduty.send(row.body, key=key_at(row))
    if row.channel == C.SLACK:
        return slack.send(row.receiver, row.body["text"], key=row.key)
    return mail.send(row.receiver.split(","), row.body["subject"], row.body["text"], key=row.key)


@transaction.atomic
def _write(row: Page, outcome: Outcome[str]) -> None:
    """What the answer lets us know."""
    hold(row)
    if isinstance(outcome, Answered):
        move_page(row, PageVerb.TAKE, taken_at=timezone.now(), reference=outcome.data[:120])
        finish(row, due_at=None, last_error="")
    elif isinstance(outcome, Refused):
        _fail(row, PageVerb.FAIL, f"{outcome.code} {outcome.message}".strip())
    elif isinstance(outcome, Retryable):
        move_page(row, PageVerb.RETRY)
        finish(row, due_at=ladders.rung(PAGES, row.tries), last_error=outcome.reason[:300])
    else:
        finish(row, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, row.tries), last_error=outcome.reason[:300])


def _ask(row: Page) -> None:
    """Nobody answered: ask for the key, and believe "never heard of it" only once it cannot be on its way."""
    sent_at = row.sent_at or row.created_at
    found = (
        slack.find(row.receiver, key=row.key, since=sent_at.timestamp() - 60)
        if row.channel == C.SLACK
        else mail.find(key=row.key)
    )
    if not isinstance(found, Answered):
        finish(row, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, row.tries), last_error=str(found)[:300])
    elif found.data is not None:
        _write(row, Answered(found.status, found.data))
    elif timezone.now() - sent_at < ladders.quarantine():
        finish(row, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, row.tries))
    else:
        with transaction.atomic():
            hold(row)
            move_page(row, PageVerb.RETRY)
            finish(row, due_at=timezone.now(), tries=0)


@transaction.atomic
def _end(row: Page, verb: PageVerb, why: str) -> None:
    hold(row)
    _fail(row, verb, why)


def _fail(row: Page, verb: PageVerb, why: str) -> None:
    """That a channel did not take it is part of the story."""
    move_page(row, verb)
    finish(row, due_at=None, last_error=why[:300])
    if verb == PageVerb.FAIL:
        detail = {"channel": row.channel, "purpose": row.purpose, "why": why[:200]}
        tell_incident(row.incident, "page_failed", actor="policy:paging", detail=detail)


def send_late() -> int:
    """The ticker: what no worker has taken for seconds is sent from here, so that a page needs no Redis. How many."""
    late = Page.objects.filter(due_at__lt=timezone.now() - LATE, lease_until=None).exists()
    rows = claim(Page, limit=6) if late else []
    for row in rows:
        work(row)
    return len(rows)
