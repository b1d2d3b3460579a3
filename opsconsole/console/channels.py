"""The channels that orders come from: which take them, which an operator has paused, until when and why."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import told
from opsconsole.console.live import answer
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.models import ChannelPause
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.services import pausing
from orders.states import Channel
from runbooks.services import single

MINUTES = (15, 30, 60, 120)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One channel; `pause` is None while it takes orders."""

    name: str
    label: str
    pause: ChannelPause | None
    by: str = ""


@require_GET
@allowed("view_runbooks")
def channels(request: HttpRequest) -> HttpResponse:
    paused = {row.channel: row for row in pausing.paused()}
    names = people(row.actor for row in paused.values())
    shown = [
        Shown(
            name=channel.value,
            label=str(channel.label),
            pause=paused.get(channel),
            by=who(paused[channel].actor, names) if channel in paused else "",
        )
        for channel in Channel
    ]
    context = {"section": "runbooks", "channels": shown, "minutes": MINUTES}
    return answer(request, "console/channels.html", "console/channels_live.html", context)


@require_POST
@allowed("pause_channels")
def pause(request: HttpRequest, name: str) -> HttpResponse:
    """A plan of one: started at once, shown on its own page and in the list of plans."""
    given = request.POST
    minutes = given.get("minutes", "")
    params = {
        "minutes": int(minutes) if minutes.isdecimal() and len(minutes) < 6 else 0,
        "message": given.get("message", ""),
        "message_en": given.get("message_en", ""),
    }
    return _do(request, "pause_channel@1", name, params, _("The channel is being paused."))


@require_POST
@allowed("pause_channels")
def resume(request: HttpRequest, name: str) -> HttpResponse:
    return _do(request, "resume_channel@1", name, {}, _("The channel is being opened."))


def _do(request: HttpRequest, action: str, name: str, params: dict[str, object], said: str) -> HttpResponse:
    if name not in Channel.values:
        raise Http404
    actor = actor_of(request)
    try:
        single.do(action, name, actor=actor, reason=request.POST.get("reason", ""), params=params)
    except Refusal as refusal:
        messages.error(request, told(str(refusal)))
    else:
        messages.success(request, said)
    return redirect("channels")
