"""The queue of sagas that need a person, and a saga's page, in a browser."""

import pytest

from tests.console.browser import Site, assert_all_are_clean
from tests.console.hands import hand


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_queue_and_saga_are_clean_in_every_look(site: Site) -> None:
    saga = hand(paid=150_000)
    assert_all_are_clean(site, [("/orders/needs-hand/", "sari"), (f"/orders/{saga.order.public_id}/sagas/1/", "sari")])
