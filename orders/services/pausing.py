"""Pausing a channel: no new orders from it for a while, with a message for its customers. What exists goes on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from orders.errors import NotAllowed, Refusal
from orders.models import ChannelPause, Heartbeat
from orders.states import Channel
from orders.transitions import record

LONGEST: Final = timedelta(hours=24)
PAUSE, RESUME = "pause_channel", "resume_channel"
SIGN: Final = "pause:"  # of the sign that every page reads with the other signs; its `at` is the pause's end


class ChannelPaused(Refusal):
    """The channel takes no orders now; the sentence is the operator's message. `until` is when it takes them again."""

    def __init__(self, message: str, *, until: datetime) -> None:
        self.until = until
        super().__init__(message)


def pause(channel: str, *, until: datetime, message: str, message_en: str, reason: str, actor: str) -> None:
    """Take no new orders from this channel until then; again: another end or message.

    Raises NotAllowed for a channel that nobody knows, without a reason or a message, or for more than 24 hours.
    """
    message, message_en = message.strip() or message_en.strip(), message_en.strip() or message.strip()
    if channel not in Channel.values:
        raise NotAllowed(_("There is no such channel."))
    if not (reason.strip() and message):
        raise NotAllowed(_("A reason is needed, and a message for the customers."))
    if not timezone.now() < until <= timezone.now() + LONGEST:
        raise NotAllowed(_("It must end within 24 hours from now."))
    texts = {"message": message[:300], "message_en": message_en[:300]}
    with transaction.atomic():
        values = {**texts, "until": until, "reason": reason.strip()[:400], "actor": actor, "at": timezone.now()}
        ChannelPause.objects.update_or_create(channel=channel, defaults=values)
        sign = {"pid": 0, "at": until, "detail": {"channel": channel, "reason": values["reason"]}}
        Heartbeat.objects.update_or_create(name=SIGN + channel, defaults=sign)
        detail = {"channel": channel, "until": until.isoformat(), **texts}
        record(None, PAUSE, actor=actor, reason=reason, detail=detail)


def resume(channel: str, *, reason: str, actor: str) -> None:
    """Take orders again. Raises NotAllowed when it is not paused."""
    with transaction.atomic():
        if not ChannelPause.objects.filter(channel=channel, until__gt=timezone.now()).delete()[0]:
            raise NotAllowed(_("The channel is not paused."))
        Heartbeat.objects.filter(name=SIGN + channel).delete()
        record(None, RESUME, actor=actor, reason=reason, detail={"channel": channel})


def pause_of(channel: str) -> ChannelPause | None:
    """Its pause at this moment; None while it takes orders."""
    return ChannelPause.objects.filter(channel=channel, until__gt=timezone.now()).first()


def paused() -> Sequence[ChannelPause]:
    """The channels that take no orders now."""
    return list(ChannelPause.objects.filter(until__gt=timezone.now()).order_by("channel"))


def refuse_paused(channel: str) -> None:
    """Raises ChannelPaused, in the customer's language, while the channel takes no orders."""
    found = pause_of(channel)
    if found is None:
        return
    is_english = (get_language() or "").startswith("en")
    raise ChannelPaused(found.message_en if is_english else found.message, until=found.until)
