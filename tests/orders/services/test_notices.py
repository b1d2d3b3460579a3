"""Messages to people: the right one, once, through whichever provider takes it, and nothing lost."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone, translation

from opsconsole.sandbox.remote import RemoteSandbox
from orders import events, messages
from orders.consumers import CONSUMERS
from orders.context import act_as
from orders.models import History, Notice, Order, Outbox
from orders.queries.order_page import memory_of, rows_of
from orders.queries.timeline import timeline
from orders.services import dispatch_watch, notices, publishing, receiving, rounds, work
from orders.states import NoticeState, OrderVerb
from orders.transitions import move, record
from tests.orders.flow import past
from tests.orders.making import make_attempt, make_dispatch, make_notice, make_order, make_refund, make_saga, make_step
from tests.sandbox_fixtures import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]

PERSON = {"customer_phone": "+62811000111", "customer_email": "ani@example.id", "customer_id": "C-1"}


def consume() -> None:
    """Everything that happened reaches the consumer, as if the broker had brought it."""
    receiving.subscribe(["notices"])
    for event in publishing.events_of(list(Outbox.objects.filter(published_at=None).order_by("id"))):
        receiving.receive("notices", CONSUMERS["notices"], event.body())
    Outbox.objects.update(published_at=timezone.now())


@pytest.fixture(autouse=True)
def listening() -> None:
    receiving.subscribe(["notices"])
    receiving.Subscription.objects.update(created_at=past())


def order_with_person(state: str = "created", **fields: Any) -> Order:
    return make_order(state, **{**PERSON, **fields})


def by_person(order: Order, verb: str, *, actor: str = "user:sari") -> Order:
    with transaction.atomic():
        move(order, verb, actor=actor, reason="test")
    return order


def sent(control: RemoteSandbox) -> list[tuple[str, str]]:
    """(channel, provider) of what really went out, in order."""
    return [(each["channel"], each["provider"]) for each in control.books("notification")["effects"]]


def rows_in_books(control: RemoteSandbox) -> list[dict[str, Any]]:
    return list(control.books("notification")["messages"])


# Which event, which message.


def test_every_template_of_the_table_has_words_in_both_languages() -> None:
    values = dict.fromkeys(("order", "amount", "link", "driver", "vehicle", "count"), "x")
    for template in messages.TEMPLATES.values():
        with translation.override("en"):
            english = str(template.text) % values
        with translation.override("id"):
            assert str(template.text) % values != english


@pytest.mark.parametrize(
    ("state", "verb", "names"),
    [
        ("created", OrderVerb.PAY, ["paid"]),
        ("booking", OrderVerb.QUEUE, ["paid", "queued"]),
        ("booking", OrderVerb.FAIL, ["paid", "failed"]),
        ("created", OrderVerb.CANCEL, ["cancelled"]),
        ("cancelled", OrderVerb.PAY_LATE, ["cancelled", "paid_late"]),
        ("active", OrderVerb.COMPLETE, ["paid", "receipt"]),
        ("created", OrderVerb.EXPIRE, []),
    ],
)
def test_what_happens_to_an_order_is_told(state: str, verb: str, names: list[str]) -> None:
    by_person(order_with_person(state), verb)
    consume()

    assert list(Notice.objects.order_by("pk").values_list("template", flat=True)) == names


def test_a_link_is_told_only_when_it_came_after_the_answer_to_the_customer() -> None:
    make_attempt(order_with_person("awaiting_payment"))
    late = make_attempt(order_with_person("awaiting_payment", placed_at=past(60)), link_url="https://pay.example/1")
    consume()

    notice = Notice.objects.get()
    assert (notice.template, notice.subject_id) == ("link_ready", late.pk)
    assert notices.text_of(notice, messages.TEMPLATES["link_ready"]).endswith("https://pay.example/1")


def test_a_refund_and_a_driver_are_told_and_a_person_who_dispatches() -> None:
    order = order_with_person("booking")
    make_refund(make_attempt(order, "paid"), "succeeded")
    step = make_step(make_saga(order), "done")
    with transaction.atomic():
        record(order, "driver_assigned", actor="partner:tpg", subject=step, detail={"driver": "Budi", "vehicle": "B 1"})
    entry = make_dispatch(step, "claimed", driver="Tono", vehicle="B 2")
    by_hand = make_refund(make_attempt(order, "paid"), "failed", amount=1_000)
    consume()
    with transaction.atomic():
        move(by_hand, "transfer", actor="user:budi", bank_reference="TRF1", transferred_at=timezone.now())
        move(entry, "dispatch", actor="user:dewi", reason="by phone")
    consume()

    names = list(Notice.objects.order_by("pk").values_list("template", flat=True))
    to_staff = ("refund_sent", "refund_failed")
    assert names == [
        "paid",
        "refund_sent",
        "refunded",
        "driver_assigned",
        *to_staff,
        "transferred",
        "dispatched_by_hand",
    ]
    told = Notice.objects.get(template="transferred")
    assert "1.000" in notices.text_of(told, messages.TEMPLATES[told.template])
    told = Notice.objects.get(template="dispatched_by_hand")
    assert "Tono, B 2" in notices.text_of(told, messages.TEMPLATES[told.template])
    told = Notice.objects.get(template="driver_assigned")
    assert "Budi, B 1" in notices.text_of(told, messages.TEMPLATES[told.template])


def test_a_machine_that_dispatches_says_nothing_of_staff() -> None:
    order = order_with_person("booking")
    entry = make_dispatch(make_step(make_saga(order), "done"), "sending")
    with transaction.atomic():
        move(entry, "dispatch", actor="partner:tpg")
    consume()

    assert not Notice.objects.filter(template="dispatched_by_hand").exists()


def test_imported_orders_and_quiet_rows_tell_nobody() -> None:
    by_person(order_with_person(origin=Order.Origin.IMPORT), OrderVerb.CANCEL)
    quiet = order_with_person()
    with transaction.atomic():
        act_as("import:orders.csv", quiet=True)
        Order.objects.filter(pk=quiet.pk).update(state="cancelled")
    consume()

    assert Notice.objects.count() == 0


def test_the_same_event_and_the_same_news_twice_are_one_message() -> None:
    order = by_person(order_with_person(), OrderVerb.CANCEL)
    consume()
    row = History.objects.get(order_id=order.pk, verb="cancel")
    again = events.event_of(row, order_id=order.public_id)
    with transaction.atomic():
        notices.on_event(again)

    assert Notice.objects.count() == 1


def test_staff_are_told_once_when_the_dispatch_queue_has_grown(control: RemoteSandbox, settings: Any) -> None:
    settings.DISPATCH_ALERT_FROM = 2
    for _number in range(3):
        make_dispatch(make_step(make_saga(make_order("booking"))))
        rounds.go({dispatch_watch.ROUND: rounds.Clock(0, dispatch_watch.watch)})
    consume()
    work.drain("notice")

    row = next(each for each in rows_in_books(control) if each["channel"] == "staff")
    assert (row["provider"], row["to"]) == ("slack", "#operations")
    assert row["text"].startswith("2 order menunggu dispatch")
    assert Notice.objects.filter(template="dispatch_queue").count() == 1


# Sending.


def send_one(order: Order | None = None, template: str = "cancelled", **fields: Any) -> Notice:
    notice = make_notice(order or order_with_person("cancelled"), template=template, due_at=past(1), **fields)
    work.drain("notice")
    notice.refresh_from_db()
    return notice


def test_a_message_goes_out_in_the_customers_language_and_arrives(control: RemoteSandbox) -> None:
    notice = send_one()

    assert notice.state == NoticeState.SENT
    row = rows_in_books(control)[0]
    assert (row["to"], row["provider"]) == ("+62811000111", "whatsapp")
    assert row["text"].startswith(f"Order {notice.order.public_id} dibatalkan")  # type: ignore[union-attr]

    def arrived() -> bool:
        Notice.objects.update(due_at=past(1))
        work.drain("notice")
        return Notice.objects.get().state == NoticeState.DELIVERED

    wait_until(arrived)
    assert Notice.objects.get().due_at is None
    assert len(rows_in_books(control)) == 1


def test_an_order_may_ask_for_english(control: RemoteSandbox) -> None:
    by_person(order_with_person(notes={"language": "en"}), OrderVerb.CANCEL)
    consume()
    work.drain("notice")

    assert "is cancelled" in rows_in_books(control)[0]["text"]


@pytest.mark.parametrize(
    ("off", "through"),
    [
        ([], ("whatsapp", "whatsapp")),
        (["whatsapp"], ("sms", "twilio")),
        (["whatsapp", "twilio"], ("sms", "infobip")),
        (["whatsapp", "twilio", "infobip"], ("email", "sendgrid")),
        (["whatsapp", "twilio", "infobip", "sendgrid"], ("email", "ses")),
    ],
)
def test_a_provider_that_is_off_is_followed_by_the_next_at_once(
    off: list[str], through: tuple[str, str], control: RemoteSandbox
) -> None:
    control.faults("notification", providers_off=off)

    notice = send_one()

    assert notice.state == NoticeState.SENT
    assert sent(control) == [through]


def test_push_falls_to_the_phone(control: RemoteSandbox) -> None:
    control.faults("notification", providers_off=["fcm", "apns"])

    send_one(order_with_person("active"), "driver_assigned")

    assert sent(control) == [("whatsapp", "whatsapp")]


def test_with_all_providers_off_it_is_sent_later_and_not_lost(control: RemoteSandbox) -> None:
    everybody = [name for names in notices.PROVIDERS.values() for name in names]
    control.faults("notification", providers_off=everybody)

    notice = send_one()
    assert (notice.state, notice.hop, sent(control)) == (NoticeState.QUEUED, 5, [])
    assert notice.due_at is not None
    assert notice.due_at > timezone.now() + timedelta(seconds=10)

    control.no_faults()
    Notice.objects.update(due_at=past(1))
    work.drain("notice")
    assert sent(control) == [("whatsapp", "whatsapp")]


def test_with_the_center_itself_down_it_is_sent_later(control: RemoteSandbox) -> None:
    control.faults("notification", down=True)
    assert send_one().state == NoticeState.QUEUED

    control.faults("notification", down=False)
    Notice.objects.update(due_at=past(1))
    work.drain("notice")
    assert len(sent(control)) == 1


def test_an_unanswered_send_is_asked_about_and_never_repeated(control: RemoteSandbox, settings: Any) -> None:
    settings.UPSTREAMS["notification"] |= {"timeout": 0.3, "tries": 1}
    control.faults("notification", timeout_after_success=1.0, only=["send"])
    notice = send_one()
    assert (notice.state, len(sent(control))) == (NoticeState.UNKNOWN, 1)

    control.no_faults()
    Notice.objects.update(due_at=past(1))
    work.drain("notice")

    notice.refresh_from_db()
    assert (notice.state, notice.provider_reference) == (NoticeState.SENT, "MSG-00000001")
    assert len(sent(control)) == 1


def test_what_the_center_never_heard_of_goes_again_under_its_key_after_the_quarantine(
    control: RemoteSandbox, settings: Any
) -> None:
    settings.UPSTREAMS["notification"] |= {"timeout": 0.3, "tries": 1}
    control.faults("notification", timeout_rate=1.0, only=["send"])
    send_one()
    control.no_faults()
    Notice.objects.update(due_at=past(1))
    work.drain("notice")
    assert (Notice.objects.get().state, sent(control)) == (NoticeState.UNKNOWN, [])

    Notice.objects.update(due_at=past(1), sent_at=past(20))
    work.drain("notice")

    assert Notice.objects.get().state == NoticeState.SENT
    assert sent(control) == [("whatsapp", "whatsapp")]


@pytest.mark.parametrize(
    ("fields", "state", "why"),
    [
        ({"template": "queued"}, NoticeState.WITHDRAWN, "not true any more"),
        ({"template": "of an older release"}, NoticeState.WITHDRAWN, "not true any more"),
        ({"created_at": past(25 * 3600)}, NoticeState.FAILED, "not reached within a day"),
    ],
    ids=["news that is over", "a template that is gone", "a day later"],
)
def test_what_nobody_needs_any_more_is_not_sent(
    fields: dict[str, Any], state: str, why: str, control: RemoteSandbox
) -> None:
    notice = make_notice(order_with_person("cancelled"), **{"template": "cancelled", "due_at": past(1), **fields})
    Notice.objects.filter(pk=notice.pk).update(**{k: v for k, v in fields.items() if k == "created_at"})
    work.drain("notice")
    notice.refresh_from_db()

    assert (notice.state, notice.last_error, notice.due_at) == (state, why, None)
    assert sent(control) == []


def test_without_an_address_it_fails_and_says_so(control: RemoteSandbox) -> None:
    notice = send_one(make_order("cancelled"))

    assert (notice.state, notice.last_error) == (NoticeState.FAILED, "no address")
    assert sent(control) == []


def test_no_phone_and_no_address_stays_in_our_rows(control: RemoteSandbox) -> None:
    control.faults("notification", providers_off=["whatsapp"])
    notice = send_one()

    kept = json.dumps([notice.facts, notice.last_error, notice.key, notice.provider_reference])
    told = json.dumps(list(History.objects.filter(machine="notice").values("reason", "detail")))
    assert "+62811000111" not in kept + told
    assert "ani@example.id" not in kept + told


def test_the_timeline_says_in_one_line_what_became_of_a_message(control: RemoteSandbox) -> None:
    control.faults("notification", providers_off=["whatsapp"])
    notice = send_one()
    order = notice.order
    assert order is not None

    with translation.override("en"):
        lines = [line for line in timeline(rows_of(order), memory_of(order)) if line.machine == "notice"]
    assert [line.sentence for line in lines] == ["Message sent through Twilio: order cancelled"]
    moves = (
        History.objects.filter(machine="notice", subject_id=notice.pk).order_by("seq").values_list("verb", flat=True)
    )
    assert list(moves) == ["send", "retry", "send", "accept"]


def test_an_order_of_nothing_is_told_that_nothing_was_to_be_paid() -> None:
    order = order_with_person(amount=0)
    notice = make_notice(order, template="paid", language="en")
    text = notices.text_of(notice, messages.TEMPLATES["paid"])
    assert text == f"Your promo covers order {order.public_id}: there is nothing to pay. We are booking it now."
