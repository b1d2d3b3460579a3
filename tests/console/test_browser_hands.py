"""The queue of sagas that need a person, and a saga's page, in a browser."""

import pytest

from tests.console.browser import LOOKS, Look, Site, assert_page_is_clean
from tests.console.hands import hand


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_queue_and_saga_are_clean_in_every_look(site: Site, look: Look) -> None:
    saga = hand(paid=150_000)
    assert_page_is_clean(site, site.open("/orders/needs-hand/", who="sari", look=look))
    assert_page_is_clean(site, site.open(f"/orders/{saga.order.public_id}/sagas/1/", who="sari", look=look))
