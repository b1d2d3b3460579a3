"""A person and a worker who want the same row: the person's result is what the worker's look came to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Posting
from orders.services import actions, work
from orders.services.actions import Wish
from orders.states import OrderState, PostingState
from tests.orders.flow import carry_on, past, pay, place
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("neighbours")]


@contextmanager
def beside(kind: str) -> Iterator[None]:
    """A worker of this kind, with something in hand."""

    def go() -> None:
        work.drain(kind)
        connection.close()

    worker = threading.Thread(target=go)
    worker.start()
    wait_until(work.KINDS[kind].model.objects.filter(lease_until__isnull=False).exists)
    yield
    worker.join()


def test_an_entry_that_a_worker_is_just_sending_is_said_to_be_at_head_office(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    control.faults("ho", down=True)
    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    control.faults("ho", down=False, latency=0.7)
    Posting.objects.update(due_at=past())

    with beside("posting"):
        wanted = Wish(
            name="repost_ho", actor="user:sari", reason="stuck", expected_version=order.version, key="k1", params={}
        )
        action = actions.request(order, wanted)
        work.drain("action")

    action.refresh_from_db()
    assert (action.status, action.outcome) == ("fixed", "Head Office has it.")
    assert Posting.objects.get().state == PostingState.RECORDED
    assert len(control.books("ho")["entries"]) == 1
