"""People at the dispatch queue: one holder each, one car each, ten minutes, and a word for the next."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from orders import vehicles
from orders.errors import NotAllowed
from orders.models import DispatchEntry, Heartbeat, History
from orders.queries.dispatch import Wanted, free_ids
from orders.services import dispatch_desk, dispatch_watch
from orders.services.dispatch_desk import Car
from orders.states import DispatchState
from tests.orders.making import make_dispatch, make_order, make_saga, make_step

pytestmark = pytest.mark.django_db

SARI, DEWI = "user:sari", "user:dewi"
CAR = Car("b 1234 mrg", "Agus", "0812 3456 7890")


def waiting(state: str = "waiting", **fields: Any) -> DispatchEntry:
    order = make_order("queued_for_dispatch", city="Jakarta")
    return make_dispatch(make_step(make_saga(order)), state, city="Jakarta", **fields)


def fresh(entry: DispatchEntry) -> DispatchEntry:
    return DispatchEntry.objects.get(pk=entry.pk)


def verbs(entry: DispatchEntry) -> list[str]:
    rows = History.objects.filter(order_id=entry.order_id, machine="dispatch", subject_id=entry.pk)
    return list(rows.order_by("seq").values_list("verb", flat=True))


def test_a_claim_is_one_persons_and_stops_the_machine() -> None:
    entry = waiting(due_at=timezone.now())
    dispatch_desk.claim(entry, actor=SARI)
    dispatch_desk.claim(entry, actor=SARI)
    with pytest.raises(NotAllowed, match="user:sari has it"):
        dispatch_desk.claim(entry, actor=DEWI)
    now = fresh(entry)
    assert (now.state, now.claimed_by, now.due_at) == (DispatchState.CLAIMED, SARI, None)
    assert verbs(entry) == ["create", "claim"]


@pytest.mark.parametrize("state", ["sending", "dispatched", "failed", "withdrawn"])
def test_only_what_waits_can_be_taken(state: str) -> None:
    entry = waiting(state)
    with pytest.raises(NotAllowed):
        dispatch_desk.claim(entry, actor=SARI)
    assert (fresh(entry).state, fresh(entry).claimed_by) == (state, "")


DEEDS: dict[str, Callable[[DispatchEntry, str], object]] = {
    "release": lambda entry, actor: dispatch_desk.release(entry, actor=actor),
    "hand_over": lambda entry, actor: dispatch_desk.hand_over(entry, actor=actor, to=SARI, note="called"),
    "note": lambda entry, actor: dispatch_desk.write_note(entry, "called", actor=actor),
    "assign": lambda entry, actor: dispatch_desk.assign(entry, CAR, actor=actor),
    "free": lambda entry, actor: dispatch_desk.free(entry, actor=actor),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("state", ["waiting", "claimed", "sending", "dispatched", "failed", "withdrawn"])
def test_nobody_but_the_holder_does_anything(deed: str, state: str) -> None:
    entry = waiting(state)
    DispatchEntry.objects.filter(pk=entry.pk).update(claimed_by=DEWI if state == "claimed" else "")
    before = DispatchEntry.objects.values().get(pk=entry.pk)
    said = len(verbs(entry))
    with pytest.raises(NotAllowed):
        DEEDS[deed](entry, SARI)
    assert DispatchEntry.objects.values().get(pk=entry.pk) == before
    assert len(verbs(entry)) == said


def test_giving_back_leaves_a_word_and_lets_the_machine_try_at_once() -> None:
    entry = dispatch_desk.claim(waiting(), actor=SARI)
    dispatch_desk.release(entry, actor=SARI, note="no car before nine")
    now = fresh(entry)
    assert (now.state, now.claimed_by, now.note) == (DispatchState.WAITING, "", "no car before nine")
    assert now.due_at is not None
    assert now.due_at <= timezone.now()


def test_with_a_car_on_it_no_machine_sends_a_second_one() -> None:
    entry = dispatch_desk.claim(waiting(), actor=SARI)
    dispatch_desk.assign(entry, CAR, actor=SARI)
    dispatch_desk.release(entry, actor=SARI)
    now = fresh(entry)
    assert (now.vehicle, now.due_at) == ("B 1234 MRG", None)


def test_handing_over_keeps_it_held_and_needs_a_word() -> None:
    entry = dispatch_desk.claim(waiting(), actor=SARI)
    with pytest.raises(NotAllowed):
        dispatch_desk.hand_over(entry, actor=SARI, to=DEWI, note=" ")
    dispatch_desk.hand_over(entry, actor=SARI, to=DEWI, note="driver Agus calls back")
    assert (fresh(entry).claimed_by, fresh(entry).note) == (DEWI, "driver Agus calls back")
    assert verbs(entry) == ["create", "claim", "handed_over"]


def test_a_claim_nobody_works_on_goes_back_after_ten_minutes() -> None:
    idle, busy, young = (dispatch_desk.claim(waiting(), actor=SARI) for _each in range(3))
    old = timezone.now() - timedelta(minutes=10, seconds=1)
    DispatchEntry.objects.filter(pk__in=(idle.pk, busy.pk)).update(touched_at=old)
    dispatch_desk.touch(busy, actor=SARI)
    dispatch_desk.touch(idle, actor=DEWI)
    assert dispatch_desk.release_idle() == 1
    assert [fresh(each).state for each in (idle, busy, young)] == ["waiting", "claimed", "claimed"]
    told = History.objects.filter(order_id=idle.order_id).order_by("-seq").first()
    assert told is not None
    assert (told.actor, told.reason) == ("policy:idle-claim", "nobody did anything about it for 10 minutes")


def test_a_car_is_kept_as_it_is_written_on_its_plate() -> None:
    entry = dispatch_desk.claim(waiting(), actor=SARI)
    dispatch_desk.assign(entry, CAR, actor=SARI)
    dispatch_desk.assign(entry, Car("B-1234-MRG", " Agus ", "+62 812 3456 7890"), actor=SARI)
    now = fresh(entry)
    assert (now.vehicle, now.driver, now.driver_phone) == ("B 1234 MRG", "Agus", "+6281234567890")
    assert now.assigned_by == SARI
    assert verbs(entry) == ["create", "claim", "assigned_by_hand"]
    dispatch_desk.free(entry, actor=SARI, reason="wrong car")
    assert (fresh(entry).vehicle, fresh(entry).driver_phone) == ("", "")
    assert verbs(entry)[-1] == "freed_by_hand"


@pytest.mark.parametrize(
    "car",
    [
        Car("", "Agus"),
        Car("1234", "Agus"),
        Car("B 0123 X", "Agus"),
        Car("BBB 1 A", "Agus"),
        Car("B 12345 A", "Agus"),
        Car("B 1 ABCD", "Agus"),
        Car("B 1 A", ""),
        Car("B 1 A", "0812"),
        Car("B 1 A", "x" * 81),
        Car("B 1 A", "Agus", "12"),
        Car("B 1 A", "Agus", "+1 555 1234567"),
    ],
)
def test_what_is_no_car_or_no_driver_is_refused(car: Car) -> None:
    entry = dispatch_desk.claim(waiting(), actor=SARI)
    with pytest.raises(NotAllowed):
        dispatch_desk.assign(entry, car, actor=SARI)
    assert fresh(entry).vehicle == ""
    assert verbs(entry) == ["create", "claim"]


@pytest.mark.parametrize(
    ("text", "read"), [("dk88ab", "DK 88 AB"), ("B 1 a", "B 1 A"), ("B.1234.MRG", "B 1234 MRG"), ("B 1234", None)]
)
def test_plates_are_read_in_one_way(text: str, read: str | None) -> None:
    assert vehicles.plate(text) == read


@pytest.mark.parametrize(
    ("car", "said"),
    [(Car("B1234MRG", "Budi"), "B 1234 MRG is on"), (Car("B 9 X", "Agus", "081234567890"), "driver with this number")],
)
def test_one_car_is_not_in_two_places(car: Car, said: str) -> None:
    first, second = (dispatch_desk.claim(waiting(), actor=SARI) for _each in range(2))
    dispatch_desk.assign(first, CAR, actor=SARI)
    with pytest.raises(NotAllowed, match=said) as refusal:
        dispatch_desk.assign(second, car, actor=SARI)
    assert first.order.public_id in str(refusal.value)
    assert fresh(second).vehicle == ""
    with pytest.raises(IntegrityError), transaction.atomic():
        DispatchEntry.objects.filter(pk=second.pk).update(vehicle="B 1234 MRG")


def test_a_car_whose_trip_is_over_is_free() -> None:
    first = dispatch_desk.claim(waiting(), actor=SARI)
    dispatch_desk.assign(first, CAR, actor=SARI)
    over = make_order("completed")
    DispatchEntry.objects.filter(pk=first.pk).update(order=over)
    second = dispatch_desk.claim(waiting(), actor=DEWI)
    dispatch_desk.assign(second, CAR, actor=DEWI)
    assert fresh(second).vehicle == "B 1234 MRG"
    assert fresh(first).freed_at is not None


def test_the_next_one_passes_over_what_somebody_has() -> None:
    first, second = waiting(), waiting()
    dispatch_desk.claim(first, actor=DEWI)
    wanted = [first.pk, *free_ids(Wanted(), sort="oldest")]
    taken = dispatch_desk.claim_first(wanted, actor=SARI)
    assert taken is not None
    assert taken.pk == second.pk
    assert dispatch_desk.claim_first(wanted, actor=SARI) is None


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Each on a connection of its own, at the same instant; what each of them said, sorted."""
    start, said = threading.Barrier(len(deeds)), []

    def go(deed: Callable[[], object]) -> None:
        try:
            start.wait()
            deed()
            said.append("done")
        except NotAllowed:
            said.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(said)


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins() -> None:
    entry = waiting()
    said = at_once(
        lambda: dispatch_desk.claim(entry, actor=SARI),
        lambda: dispatch_desk.claim(entry, actor=DEWI),
    )
    assert said == ["done", "refused"]
    assert verbs(entry) == ["create", "claim"]


@pytest.mark.django_db(transaction=True)
def test_two_who_take_the_next_at_once_get_one_each() -> None:
    entries = [waiting() for _each in range(3)]
    wanted = [entry.pk for entry in entries]
    at_once(*(lambda actor=actor: dispatch_desk.claim_first(wanted, actor=actor) for actor in (SARI, DEWI)))
    assert sorted(fresh(entry).claimed_by for entry in entries) == ["", DEWI, SARI]


@pytest.mark.django_db(transaction=True)
def test_of_two_assignments_of_one_car_at_once_one_wins() -> None:
    first, second = (dispatch_desk.claim(waiting(), actor=actor) for actor in (SARI, DEWI))
    said = at_once(
        lambda: dispatch_desk.assign(first, CAR, actor=SARI),
        lambda: dispatch_desk.assign(second, CAR, actor=DEWI),
    )
    assert said == ["done", "refused"]
    assert DispatchEntry.objects.filter(vehicle="B 1234 MRG").count() == 1


def test_operations_are_told_once_when_the_queue_grows_and_once_when_it_is_short(settings: Any) -> None:
    settings.DISPATCH_ALERT_FROM = 4

    def told() -> list[str]:
        detail = dispatch_watch.watch()
        Heartbeat.objects.update_or_create(name="round:dispatch-queue", defaults={"pid": 0, "detail": detail})
        return list(History.objects.filter(order_id=0).order_by("seq").values_list("verb", flat=True))

    entries = [waiting() for _each in range(3)]
    assert told() == []
    entries.append(waiting())
    assert told() == ["dispatch_queue_grew"]
    assert told() == ["dispatch_queue_grew"]
    assert dispatch_watch.is_long()
    DispatchEntry.objects.filter(pk=entries[0].pk).delete()
    assert told() == ["dispatch_queue_grew"]
    DispatchEntry.objects.filter(pk=entries[1].pk).delete()
    assert told() == ["dispatch_queue_grew", "dispatch_queue_shrank"]
    assert not dispatch_watch.is_long()
