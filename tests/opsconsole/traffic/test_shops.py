"""A customer of the JSON API whose answer came too late."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.traffic.people import person
from opsconsole.traffic.shops import ApiShop, ShopIsAway
from opsconsole.traffic.wishes import wish
from orders.models import IdempotencyRecord, Order
from orders.services.tokens import issue
from orders.states import Channel
from tests.sandbox_fixtures import *  # noqa: F403


@pytest.fixture
def shop(live_server: Any, neighbours: dict[str, str]) -> Iterator[ApiShop]:
    tokens = {channel: issue(channel, name="Test", actor="user:made")[1] for channel in Channel.values}
    shop = ApiShop(live_server.url, tokens)
    yield shop
    shop.close()


@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_still_being_placed_is_asked_for_again_under_the_same_key(shop: ApiShop) -> None:
    wanted = wish(5, person=person(5, seed=1), seed=1)
    placed = shop.place(wanted)
    first = IdempotencyRecord.objects.filter(key__endswith="-order")
    answered = first.values("status").get()["status"]

    first.update(status=0, lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(ShopIsAway):
        shop.place(wanted, again=True)

    first.update(status=answered)
    assert shop.place(wanted, again=True).id == placed.id
    assert Order.objects.count() == 1
