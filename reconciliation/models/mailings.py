"""Reports that are mailed by the clock: who gets which, each sending of one, and each mail of a sending."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from orders.models.stateful import Leased, due_index
from reconciliation.models.reports import ReportFile
from reconciliation.states import FileFormat, MailState


class ReportSchedule(models.Model):
    """One report for some people, again and again. `wanted` are its filters; it covers the last `days` business days
    that were over when its time came. `rule` and `weekdays` are those of a run by the clock, in WIB.

    `next_at` moves on in the transaction that begins a sending, so that two tickers begin one.
    """

    report = models.CharField(max_length=24)
    wanted = models.JSONField(default=dict, blank=True)
    days = models.SmallIntegerField(default=1)
    recipients = ArrayField(models.EmailField())
    rule = models.CharField(max_length=24)
    weekdays = models.CharField(max_length=7, default="1234567")
    language = models.CharField(max_length=8)
    format = models.CharField(max_length=4, choices=FileFormat.choices, default=FileFormat.XLSX)
    is_active = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(format__in=FileFormat.values), name="mailing_format_known"),
            models.CheckConstraint(condition=models.Q(days__gte=1, days__lte=92), name="mailing_days_in_reason"),
        )

    def __str__(self) -> str:
        return f"{self.report} {self.rule} {self.weekdays}"


class ReportSending(models.Model):
    """One time that a report goes out. `cause` is the instant of the clock, or the key of the page on which a person
    pressed "send now": the same cause is one sending. `mailed_at` is when its mails were written down.
    """

    schedule = models.ForeignKey(ReportSchedule, on_delete=models.PROTECT, related_name="sendings")
    cause = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    recipients = ArrayField(models.EmailField())
    language = models.CharField(max_length=8)
    file = models.OneToOneField(ReportFile, on_delete=models.PROTECT, related_name="sending")
    began_at = models.DateTimeField(default=timezone.now, db_default=Now())
    mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["schedule", "cause"], name="sending_once"),)
        indexes = (
            models.Index(fields=["schedule", "-id"], name="sending_of_schedule"),
            models.Index(fields=["id"], name="sending_unmailed", condition=models.Q(mailed_at__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.schedule_id} {self.cause}"


class ReportMail(Leased):
    """One person's mail of a sending. `unknown` is written before each call, with the provider it goes to; so a
    worker that dies in it leaves a mail that is asked about and not sent again.

    `hop` counts the providers that certainly did not take it.
    """

    sending = models.ForeignKey(ReportSending, on_delete=models.PROTECT, related_name="mails")
    address = models.EmailField()
    state = models.CharField(max_length=9, choices=MailState.choices, default=MailState.QUEUED)
    hop = models.SmallIntegerField(default=0)
    provider = models.CharField(max_length=24, blank=True)
    provider_reference = models.CharField(max_length=80, blank=True)
    has_link = models.BooleanField(default=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sending", "address"], name="mail_once"),
            models.CheckConstraint(condition=models.Q(state__in=MailState.values), name="mail_state_known"),
        )
        indexes = (due_index("mail_due"),)

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"
