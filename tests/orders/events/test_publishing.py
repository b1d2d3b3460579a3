"""The outbox on its way out: in order, at least once, and nobody waits for it."""

import json
from typing import Any

import pytest
from django.db import transaction

from orders.clients import broker
from orders.models import Outbox
from orders.queries.pulse import outbox_oldest
from orders.services import publishing
from orders.states import OrderVerb
from orders.transitions import move
from tests.factories import make_order
from tests.orders.events.taking import QUEUES, taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def publisher(either: str, open_things: list[Any]) -> broker.Publisher:
    open_things.append(broker.open_publisher(QUEUES))
    return open_things[-1]


def test_events_are_published_in_order_once_and_without_personal_data(
    publisher: broker.Publisher, open_things: list[Any]
) -> None:
    order = make_order(customer_name="Ani Wijaya", customer_email="ani@example.id")
    with transaction.atomic():
        move(order, OrderVerb.CANCEL, actor="user:sari", reason="customer called")
    inbox = broker.open_inbox(QUEUES)
    open_things.append(inbox)

    assert publishing.publish_batch(publisher) == 2
    assert publishing.publish_batch(publisher) == 0

    bodies = [json.loads(each.body) for each in taken(inbox, "one", 2)]
    assert [(body["seq"], body["verb"], body["to"]) for body in bodies] == [
        (1, "create", "created"),
        (2, "cancel", "cancelled"),
    ]
    assert "Ani" not in json.dumps(bodies)
    assert "ani@example.id" not in json.dumps(bodies)


def test_without_a_broker_the_outbox_keeps_what_it_has_and_orders_go_on(either: str, settings: Any) -> None:
    settings.REDIS_URL, settings.BROKER_URL = "redis://127.0.0.1:1/0", settings.BROKER_URL and "amqp://127.0.0.1:1/"

    make_order()
    with pytest.raises(broker.BrokerAway):
        publishing.publish_batch(broker.open_publisher(QUEUES))

    assert Outbox.objects.filter(published_at=None).count() == 1
    assert outbox_oldest() == Outbox.objects.get().created_at


def test_with_nothing_unsent_there_is_no_oldest(publisher: broker.Publisher) -> None:
    make_order()
    publishing.publish_batch(publisher)

    assert outbox_oldest() is None
