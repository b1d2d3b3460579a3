"""People at the dispatch queue: who holds an entry, and which car was found by phone.

Every step is one transaction under the order's lock, in the order of `orders.transitions`, so two
people never hold one entry and one car is never on two (unique indexes say so too). Nothing here
calls anybody outside: what does is an action (`orders.services.actions`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import vehicles
from orders.bells import ring
from orders.errors import NotAllowed, StaleState
from orders.models import DispatchEntry, Order
from orders.states import OPEN_ORDER_STATES, DispatchState, DispatchVerb
from orders.transitions import lock, move, record

D = DispatchState
RELEASED: Final[dict[str, Any]] = {"claimed_by": "", "claimed_at": None, "touched_at": None}
NO_CAR: Final = {"vehicle": "", "driver": "", "driver_phone": "", "assigned_by": ""}
IDLE: Final = "nobody did anything about it for %(number)s minutes"


@dataclass(frozen=True, slots=True)
class Car:
    """A car and its driver as they were typed; `read` makes them what is kept."""

    vehicle: str
    driver: str
    phone: str = ""

    def read(self) -> "Car":
        """Raises NotAllowed for the first field that cannot be what it should be."""
        vehicle, driver = vehicles.plate(self.vehicle), vehicles.driver_name(self.driver)
        phone = vehicles.phone(self.phone) if self.phone.strip() else ""
        if vehicle is None:
            raise NotAllowed(_("This is no number plate. Write it like B 1234 MRG."))
        if driver is None:
            raise NotAllowed(_("The driver's name has letters only."))
        if phone is None:
            raise NotAllowed(_("This is no Indonesian phone number."))
        return Car(vehicle, driver, phone)


def claim(entry: DispatchEntry, *, actor: str) -> DispatchEntry:
    """Make it this person's. Their own again is no error; raises NotAllowed for anybody else's."""
    with transaction.atomic():
        entry = _locked(entry)
        if entry.state == D.CLAIMED and entry.claimed_by == actor:
            return entry
        if entry.state != D.WAITING:
            raise NotAllowed(_why_not_free(entry))
        now = timezone.now()
        move(entry, DispatchVerb.CLAIM, actor=actor, claimed_by=actor, claimed_at=now, touched_at=now, due_at=None)
        return entry


def claim_first(wanted: Sequence[int], *, actor: str) -> DispatchEntry | None:
    """The first of these entries that is still free, made this person's; None when none is.

    An order that somebody works on at this moment is passed over, so that two people who press at
    once each get one of their own.
    """
    for pk in wanted:
        with transaction.atomic():
            entry = DispatchEntry.objects.filter(pk=pk, state=D.WAITING).first()
            free = Order.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            if entry is None or not free.filter(pk=entry.order_id).exists():
                continue
            try:
                return claim(entry, actor=actor)
            except NotAllowed:
                continue
    return None


def _why_not_free(entry: DispatchEntry) -> str:
    if entry.state == D.CLAIMED:
        return _("%(actor)s has it.") % {"actor": entry.claimed_by}
    if entry.state == D.SENDING:
        return _("It is being sent to the dispatch system at this moment.")
    return _("It does not wait for a car any more: %(state)s.") % {"state": entry.state_label}


def release(entry: DispatchEntry, *, actor: str, note: str = "") -> None:
    """Back into the queue, with a word for the next person."""
    note = note.strip()[:400]
    with transaction.atomic():
        _release(_mine(entry, actor), actor=actor, reason=note, note=note)


def _release(entry: DispatchEntry, *, actor: str, reason: str, note: str = "") -> None:
    """The machine tries at once: nobody did while a person had it. With a car on it nobody knows whether
    the driver is on the way: then no machine sends a second one."""
    due_at = None if entry.vehicle else timezone.now()
    kept: dict[str, Any] = {"note": note} if note else {}
    move(entry, DispatchVerb.RELEASE, actor=actor, reason=reason, due_at=due_at, **RELEASED, **kept)
    ring("dispatch")


def hand_over(entry: DispatchEntry, *, actor: str, to: str, note: str) -> None:
    """Make it a colleague's without letting go of it. `to` is an actor (`user:dewi`)."""
    if not note.strip():
        raise NotAllowed(_("A word for the next person is needed: what was done, what is left."))
    with transaction.atomic():
        entry, now = _mine(entry, actor), timezone.now()
        _write(entry, claimed_by=to, claimed_at=now, touched_at=now, note=note.strip()[:400])
        detail = {"owner": to.removeprefix("user:")}
        record(entry.order, "handed_over", actor=actor, reason=note.strip(), subject=entry, detail=detail)


def touch(entry: DispatchEntry, *, actor: str) -> None:
    """They are still at it: the ten minutes begin anew. Nothing when it is not theirs."""
    mine = DispatchEntry.objects.filter(pk=entry.pk, state=D.CLAIMED, claimed_by=actor)
    mine.update(touched_at=timezone.now())


def write_note(entry: DispatchEntry, text: str, *, actor: str) -> None:
    """A sentence that stands with the entry, and on the order's timeline."""
    if not text.strip():
        raise NotAllowed(_("An empty note says nothing."))
    with transaction.atomic():
        entry = _mine(entry, actor)
        _write(entry, note=text.strip()[:400], touched_at=timezone.now())
        record(entry.order, "note", actor=actor, reason=text.strip()[:2000], subject=entry)


def assign(entry: DispatchEntry, car: Car, *, actor: str) -> DispatchEntry:
    """Put a car on the entry. Raises NotAllowed for one that is on another trip, or what is no car.

    The same car again changes nothing.
    """
    car = car.read()
    with transaction.atomic():
        entry = _mine(entry, actor)
        if (entry.vehicle, entry.driver, entry.driver_phone) == (car.vehicle, car.driver, car.phone):
            return entry
        _free_what_has_ended(car)
        _put_on(entry, car, actor=actor)
        record(entry.order, "assigned_by_hand", actor=actor, subject=entry, detail=_named(entry))
        return entry


def _put_on(entry: DispatchEntry, car: Car, *, actor: str) -> None:
    """In a savepoint: the unique index has the last word, and the refusal names the other order."""
    values = {"vehicle": car.vehicle, "driver": car.driver, "driver_phone": car.phone, "assigned_by": actor}
    try:
        with transaction.atomic():
            _write(entry, **values, freed_at=None, touched_at=timezone.now())
    except IntegrityError:
        other = _holder(entry, car)
        raise NotAllowed(_taken(car, other)) from None


def _holder(entry: DispatchEntry, car: Car) -> DispatchEntry | None:
    taken = DispatchEntry.objects.select_related("order").filter(freed_at=None).exclude(pk=entry.pk)
    by_phone = taken.filter(driver_phone=car.phone).first() if car.phone else None
    return taken.filter(vehicle=car.vehicle).first() or by_phone


def _taken(car: Car, other: DispatchEntry | None) -> str:
    order = other.order.public_id if other else "–"
    if other is not None and other.vehicle != car.vehicle:
        return _("The driver with this number is on %(order)s already.") % {"order": order}
    return _("%(vehicle)s is on %(order)s already.") % {"vehicle": car.vehicle, "order": order}


def _free_what_has_ended(car: Car) -> None:
    """A car whose trip is over is free, whoever forgot to say so."""
    taken = DispatchEntry.objects.filter(freed_at=None).exclude(order__state__in=OPEN_ORDER_STATES)
    taken.filter(vehicle=car.vehicle).update(freed_at=timezone.now())
    if car.phone:
        taken.filter(driver_phone=car.phone).update(freed_at=timezone.now())


def free(entry: DispatchEntry, *, actor: str, reason: str = "") -> None:
    """Take the car off again, before anybody was sent. Raises NotAllowed where there is none."""
    with transaction.atomic():
        entry = _mine(entry, actor)
        if not entry.vehicle:
            raise NotAllowed(_("No car is assigned."))
        detail = _named(entry)
        _write(entry, **NO_CAR, touched_at=timezone.now())
        record(entry.order, "freed_by_hand", actor=actor, reason=reason, subject=entry, detail=detail)


def release_idle() -> int:
    """The ticker: claims nobody did anything about for settings.DISPATCH_CLAIM_IDLE. How many."""
    before = timezone.now() - settings.DISPATCH_CLAIM_IDLE
    idle = DispatchEntry.objects.filter(state=D.CLAIMED, touched_at__lt=before).order_by("touched_at")
    return sum(_let_go(entry, untouched_since=before) for entry in idle)


def _let_go(entry: DispatchEntry, *, untouched_since: datetime) -> bool:
    """Unless the person came back, or something asked for on the order is under way."""
    with transaction.atomic():
        entry = _locked(entry)
        is_idle = entry.touched_at is None or entry.touched_at < untouched_since
        if entry.state != D.CLAIMED or not is_idle or _is_busy(entry):
            return False
        minutes = settings.DISPATCH_CLAIM_IDLE // timedelta(minutes=1)
        _release(entry, actor="policy:idle-claim", reason=IDLE % {"number": minutes})
        return True


def _is_busy(entry: DispatchEntry) -> bool:
    return entry.order.actions.filter(due_at__isnull=False, finished_at=None).exists()


def why_not_theirs(entry: DispatchEntry, actor: str) -> str:
    """Why this person may not act on it, as a sentence; "" when they hold it."""
    if entry.state == D.WAITING:
        return _("Take it first: then nobody else works on it.")
    return "" if (entry.state, entry.claimed_by) == (D.CLAIMED, actor) else _why_not_free(entry)


def mine_or_refused(entry: DispatchEntry, actor: str) -> None:
    """Raises NotAllowed unless this person holds it."""
    problem = why_not_theirs(entry, actor)
    if problem:
        raise NotAllowed(problem)


def _mine(entry: DispatchEntry, actor: str) -> DispatchEntry:
    entry = _locked(entry)
    mine_or_refused(entry, actor)
    return entry


def _locked(entry: DispatchEntry) -> DispatchEntry:
    """Locks the order, then the entry: the order of all callers."""
    order = lock(entry.order)
    locked = lock(entry)
    locked.order = order
    return locked


def _write(entry: DispatchEntry, **values: object) -> None:
    """Facts about a claimed entry that change no state. The caller holds its lock."""
    as_seen = DispatchEntry.objects.filter(pk=entry.pk, state=entry.state, version=entry.version)
    if not as_seen.update(**values):
        raise StaleState(subject=str(entry), expected=entry.state, found="?")
    for name, value in values.items():
        setattr(entry, name, value)


def _named(entry: DispatchEntry) -> dict[str, str]:
    return {"vehicle": entry.vehicle, "driver": entry.driver}
