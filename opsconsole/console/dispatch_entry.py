"""One place in the dispatch queue: the order's essentials, what to say on the phone, which car, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from opsconsole.console import order_personal
from opsconsole.console.dispatch_queue import place_of, trip_of
from opsconsole.console.formats import money
from opsconsole.console.order_actions_shown import ShownAction, shown_actions
from opsconsole.console.order_choices import KINDS, Choice, desk_choice
from opsconsole.console.order_guards import Guards
from opsconsole.console.staff import actor_of, person
from orders.models import DispatchEntry, OperatorAction, Order
from orders.models.saga import LIVE_DISPATCH
from orders.queries.order_page import people
from orders.queries.stuck.limits import limits_in_force
from orders.services import dispatch_desk, dispatching
from orders.states import DispatchState, OrderState

LANGUAGES: Final = ("id", "en")
ENDINGS: Final = ("customer_cancelled", "give_up_dispatch")


@dataclass(frozen=True, kw_only=True)
class EntryView:
    """What the page and the panel draw. `idle_at` is when an idle claim goes back by itself."""

    entry: DispatchEntry
    order: Order
    others: Sequence[DispatchEntry]
    holder: str
    is_mine: bool
    may_dispatch: bool
    why_not: str
    idle_at: datetime | None
    pause: datetime | None
    limit: timedelta | None
    actions: Sequence[ShownAction]
    send: Choice
    dispatch: Choice
    endings: Sequence[Choice]
    script: Sequence[tuple[str, str, str]]

    @property
    def item(self) -> Any:
        return self.entry.step.item

    @property
    def pickup(self) -> str:
        return place_of(self.item.details.get("pickup")) if self.item else ""

    @property
    def dropoff(self) -> str:
        return place_of(self.item.details.get("dropoff")) if self.item else ""

    @property
    def wishes(self) -> str:
        """What the customer asked for beside the way: class, seats, a note."""
        details = self.item.details if self.item else {}
        seats = details.get("passengers")
        found = [str(details.get("vehicle_class") or ""), _("seats: %(seats)s") % {"seats": seats} if seats else ""]
        return " · ".join(each for each in (*found, str(details.get("note") or "")) if each)

    @property
    def trip(self) -> str:
        return trip_of(self.entry)

    @property
    def is_live(self) -> bool:
        return self.entry.state in LIVE_DISPATCH

    @property
    def is_late(self) -> bool:
        return self.limit is not None and timezone.now() - self.entry.created_at >= self.limit

    @property
    def is_free(self) -> bool:
        return self.entry.state == DispatchState.WAITING

    @property
    def is_busy(self) -> bool:
        return any(each.is_running and not each.waits_for_approval for each in self.actions)

    @property
    def address(self) -> str:
        return f"{reverse('order-dispatch', args=[self.order.public_id])}?{urlencode({'entry': self.entry.pk})}"

    @property
    def peek_address(self) -> str:
        return f"{reverse('order-dispatch-peek', args=[self.order.public_id])}?{urlencode({'entry': self.entry.pk})}"


def found_entry(order: Order, given: str) -> DispatchEntry:
    """The one that is named, else the oldest live one, else the last. Raises Http404 where there is none."""
    entries = order.dispatches.select_related("order", "step__item", "step__saga").order_by("created_at", "pk")
    if given.isdecimal() and len(given) < 19:
        entry = entries.filter(pk=int(given)).first()
    else:
        entry = entries.filter(state__in=LIVE_DISPATCH).first() or entries.last()
    if entry is None:
        raise Http404
    return entry


def entry_view(request: HttpRequest, order: Order, entry: DispatchEntry) -> EntryView:
    actor = actor_of(request)
    asked = list(order.actions.order_by("pk"))
    names = people({entry.claimed_by, *(action.actor for action in asked)})
    is_mine = (entry.state, entry.claimed_by) == (DispatchState.CLAIMED, actor)
    guards = Guards(order, asked)
    choice = {name: desk_choice(order, request.user, name, guards, entry=entry.pk) for name in _NAMES}
    return EntryView(
        entry=entry,
        order=order,
        others=[each for each in order.dispatches.order_by("pk") if each.pk != entry.pk],
        holder=names.get(entry.claimed_by, entry.claimed_by.removeprefix("user:")),
        is_mine=is_mine,
        may_dispatch=request.user.has_perm("console.dispatch_by_hand"),
        why_not=dispatch_desk.why_not_theirs(entry, actor),
        idle_at=entry.touched_at + settings.DISPATCH_CLAIM_IDLE if is_mine and entry.touched_at else None,
        pause=dispatching.pause(),
        limit=limits_in_force().limit("dispatch", entry.state, order.service),
        actions=_own(asked, names, actor),
        send=choice["send_to_dispatch"],
        dispatch=choice["dispatch_by_hand"],
        endings=[choice[name] for name in ENDINGS],
        script=script(entry, caller=person(request).get_full_name() or person(request).get_username()),
    )


_NAMES: Final = ("send_to_dispatch", "dispatch_by_hand", *ENDINGS)
_ELSEWHERE: Final = [name for name, kind in KINDS.items() if kind.is_desk]


def _own(asked: Sequence[OperatorAction], names: dict[str, str], reader: str) -> list[ShownAction]:
    """What was asked for at this desk; the order's own page has the rest."""
    here = [action for action in asked if action.name in _NAMES or action.name not in _ELSEWHERE]
    return shown_actions(here, names, reader=reader)


def script(entry: DispatchEntry, *, caller: str) -> list[tuple[str, str, str]]:
    """(language, whom it is for, sentence), Indonesian first: what to say on the phone as things stand."""
    said = []
    for language in LANGUAGES:
        with translation.override(language):
            said += [(language, whom, sentence % _values(entry, caller)) for whom, sentence in _sentences(entry)]
    return said


def _sentences(entry: DispatchEntry) -> list[tuple[str, str]]:
    """To the customer; with a car to its driver as well."""
    if entry.state in (DispatchState.WITHDRAWN, DispatchState.FAILED):
        return [("customer", _over(entry.order))]
    if entry.state == DispatchState.DISPATCHED and not entry.vehicle:
        booked = _("Your taxi at %(pickup)s is booked now. The app shows the driver as soon as one is on the way.")
        return [("customer", booked)]
    if not entry.vehicle:
        return [("customer", _(
            "Good day, this is %(caller)s of MRG. I am sorry, your taxi at %(pickup)s is not there yet: our dispatch"
            " has a fault. Your payment of %(sum)s is safe. I am looking for a car for you by phone. Would you like"
            " to wait, or shall I cancel and give back all of it?"
        ))]  # fmt: skip
    return [
        ("driver", _(
            "Please fetch %(name)s at %(pickup)s and drive to %(dropoff)s. Order %(order)s. It is paid: take no cash."
        )),
        ("customer", _(
            "Your taxi is on its way to %(pickup)s: %(vehicle)s, driver %(driver)s. It is paid: please give no cash."
        )),
    ]  # fmt: skip


def _over(order: Order) -> str:
    """Nobody looks for a car any more."""
    if order.state == OrderState.CANCELLED:
        return _("Your order %(order)s is cancelled. What you paid comes back to you; your bank may need some days.")
    if order.state == OrderState.FAILED:
        return _("I am sorry: there was no car for order %(order)s. Your payment of %(sum)s comes back to you.")
    return _("Your order %(order)s does not wait for a car any more. The app shows what became of it.")


def _values(entry: DispatchEntry, caller: str) -> dict[str, str]:
    order = entry.order
    details = entry.step.item.details if entry.step.item else {}
    return {
        "caller": caller,
        "name": order.customer_name or "–",
        "order": order.public_id,
        "pickup": place_of(details.get("pickup")) or order.city or "–",
        "dropoff": place_of(details.get("dropoff")) or "–",
        "sum": money(order.amount, currency=order.currency),
        "vehicle": entry.vehicle,
        "driver": entry.driver,
    }


def entry_context(request: HttpRequest, order: Order, entry: DispatchEntry, **more: Any) -> dict[str, Any]:
    return {
        "view": entry_view(request, order, entry),
        "order": order,
        "entry": entry,
        "now": timezone.now(),
        "section": "orders",
        "personal": order_personal.shown(order, request.user),
        **more,
    }
