"""The mails of reports: written down when the file is there, sent once to each person, and asked about afterwards.

The rules are those of the messages to customers (`orders.services.notices`): the next provider when one certainly did
not take it, and never the same mail again blindly. What is to be done is rows; a job may run twice. ADR 0095.
"""

import base64
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from orders import ladders
from orders.clients import notification
from orders.clients.notification import PROVIDERS, Attachment, Report
from orders.leases import claim_one, due, finish, hold
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from reconciliation.models import ReportFile, ReportMail, ReportSending
from reconciliation.queries.reports import REPORTS
from reconciliation.services import report_files
from reconciliation.states import FileState, MailState

GIVE_UP: Final = report_files.KEPT_MAILED  # afterwards there is nothing to send
ROUTE: Final = PROVIDERS["email"]
_TYPES: Final = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv"}
OVER: Final = (MailState.DELIVERED, MailState.BOUNCED, MailState.FAILED)


def write_down() -> int:
    """A mail for each person of the sendings whose file is there; none where it could not be written. How many."""
    waiting = ReportSending.objects.filter(mailed_at=None).exclude(file__state=FileState.WAITING)
    return sum(_write_down(pk) for pk in waiting.order_by("pk").values_list("pk", flat=True)[:50])


@transaction.atomic
def _write_down(pk: int) -> int:
    sending = ReportSending.objects.select_for_update(of=("self",), no_key=True).select_related("file").get(pk=pk)
    if sending.mailed_at is not None:
        return 0
    sending.mailed_at = timezone.now()
    sending.save(update_fields=["mailed_at"])
    if sending.file.state != FileState.DONE:
        return 0
    mails = [_mail(sending, address) for address in sending.recipients]
    return len(ReportMail.objects.bulk_create(mails))


def _mail(sending: ReportSending, address: str) -> ReportMail:
    has_link = sending.file.size > settings.REPORT_ATTACH_LIMIT
    return ReportMail(sending=sending, address=address, has_link=has_link, due_at=timezone.now())


def waiting() -> list[int]:
    """Mails that somebody should look at now."""
    return list(due(ReportMail).values_list("pk", flat=True)[:50])


def work(pk: int) -> ReportMail | None:
    """One look at a mail. None where another is at it."""
    found = ReportMail.objects.filter(pk=pk, due_at__lte=timezone.now()).first()
    mail = claim_one(found) if found is not None else None
    if mail is not None:
        _LOOKS.get(MailState(mail.state), _nothing)(mail)
    return mail


def _nothing(mail: ReportMail) -> None:
    finish(mail, due_at=None)


def _send(mail: ReportMail) -> None:
    """Mark it, hand it to the provider under the key of this hop, write the answer down."""
    sending = ReportSending.objects.select_related("file", "schedule").get(pk=mail.sending_id)
    if not _is_there(sending.file) or timezone.now() - mail.created_at > GIVE_UP:
        _end(mail, MailState.FAILED, "the file is not there any more")
        return
    provider = ROUTE[mail.hop % len(ROUTE)]
    with transaction.atomic():
        hold(mail)
        _set(mail, state=MailState.UNKNOWN, provider=provider, sent_at=timezone.now())
    subject, text = words(mail, sending)
    outcome = notification.send(
        "email",
        to=mail.address,
        template="report",
        text=text,
        subject=subject,
        attachments=[] if mail.has_link else [_attached(sending.file)],
        idempotency_key=_key(mail),
        provider=provider,
    )
    _write(mail, outcome)


def _is_there(file: ReportFile) -> bool:
    return file.state == FileState.DONE and report_files.path_of(file).is_file()


def _attached(file: ReportFile) -> Attachment:
    content = report_files.path_of(file).read_bytes()
    return Attachment(file_name(file), _TYPES[file.format], base64.b64encode(content).decode())


def file_name(file: ReportFile) -> str:
    """What the report is called in somebody's mail or downloads."""
    return f"{file.report}-{file.wanted['first']}-{file.wanted['last']}.{file.format}"


def words(mail: ReportMail, sending: ReportSending) -> tuple[str, str]:
    """Subject and text in the schedule's language. No order, customer or sum stands in a mail's text."""
    file = sending.file
    with translation.override(sending.language):
        told: dict[str, Any] = {
            "title": str(REPORTS[file.report].title),
            "first": file.wanted["first"],
            "last": file.wanted["last"],
            "rows": file.rows,
            "link": f"{settings.PUBLIC_URL}/reconciliation/reports/mailings/files/{file.pk}/",
            "until": f"{file.expires_at:%Y-%m-%d}",
        }
        subject = _("%(title)s, %(first)s to %(last)s") % told
        first = _("The report “%(title)s” of the business days %(first)s to %(last)s, with %(rows)s rows.") % told
        linked = _("It is too large for a mail. Sign in and fetch it until %(until)s: %(link)s") % told
        second = linked if mail.has_link else _("It is attached. Who gets it is decided by finance in the console.")
        return subject, f"{first}\n\n{second}\n"


def _key(mail: ReportMail) -> str:
    """Another provider is another delivery, so it has another key; the same one again has the same."""
    return f"report-mail:{mail.pk}:{mail.provider}"


@transaction.atomic
def _write(mail: ReportMail, outcome: Outcome[Report]) -> None:
    hold(mail)
    if isinstance(outcome, Answered):
        _set(mail, state=MailState.SENT, provider_reference=outcome.data.message_id)
        finish(mail, due_at=ladders.rung(ladders.DELIVERY, 1), tries=0, last_error="")
    elif isinstance(outcome, Refused | Retryable):
        # Their code and not their words: those may repeat the address.
        _next_hop(mail, outcome.reason if isinstance(outcome, Retryable) else outcome.code)
    else:
        finish(mail, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, 1), tries=1, last_error=outcome.reason[:300])


def _next_hop(mail: ReportMail, why: str) -> None:
    """The next provider at once; after a whole round, later. Call in a transaction."""
    rounds, is_within = divmod(mail.hop + 1, len(ROUTE))
    _set(mail, state=MailState.QUEUED, hop=mail.hop + 1)
    due_at = timezone.now() if is_within else ladders.rung(ladders.NOTICE, rounds)
    finish(mail, due_at=due_at, last_error=f"{mail.provider}: {why}"[:300])


def _ask(mail: ReportMail) -> None:
    """Nobody answered: the Center is asked about the key. Only after the mail can no longer be on its way is "never
    heard of it" believed, and then the same key may go again."""
    outcome = notification.ask(_key(mail))
    if isinstance(outcome, Answered) and outcome.data is not None:
        _write(mail, Answered(outcome.status, outcome.data))
    elif isinstance(outcome, Answered) and _is_quiet(mail):
        _again(mail)
    else:
        said = "" if isinstance(outcome, Answered) else str(outcome)[:300]
        finish(mail, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, mail.tries), last_error=said)


def _is_quiet(mail: ReportMail) -> bool:
    return mail.sent_at is None or timezone.now() - mail.sent_at >= ladders.quarantine()


@transaction.atomic
def _again(mail: ReportMail) -> None:
    hold(mail)
    _set(mail, state=MailState.QUEUED)
    finish(mail, due_at=timezone.now(), tries=0, last_error="never heard of it")


def _ask_delivery(mail: ReportMail) -> None:
    """A few looks whether it has arrived; after the last one it stays "sent"."""
    outcome = notification.ask(_key(mail))
    status = outcome.data.status if isinstance(outcome, Answered) and outcome.data else ""
    ended = {"delivered": MailState.DELIVERED, "bounced": MailState.BOUNCED}.get(status)
    if ended is not None:
        _end(mail, ended, "")
        return
    has_more = mail.tries < len(ladders.DELIVERY)
    finish(mail, due_at=ladders.rung(ladders.DELIVERY, mail.tries + 1) if has_more else None)


@transaction.atomic
def _end(mail: ReportMail, state: MailState, why: str) -> None:
    hold(mail)
    _set(mail, state=state, ended_at=timezone.now())
    finish(mail, due_at=None, last_error=why)


def _set(mail: ReportMail, **changes: Any) -> None:
    """Call in a transaction that holds it."""
    for name, value in changes.items():
        setattr(mail, name, value)
    mail.save(update_fields=list(changes))


_LOOKS: Final = {MailState.QUEUED: _send, MailState.UNKNOWN: _ask, MailState.SENT: _ask_delivery}
