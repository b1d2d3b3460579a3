"""One saga's page: what it says, and who may do what to it over HTTP."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.saga_choices import KINDS
from orders.models import OperatorAction, Order, Saga
from orders.services import work
from orders.services.actions.saga_verbs import LEGAL
from orders.states import SagaState, StepState
from tests.console.order_world import counted
from tests.console.people import OUTSIDER, World
from tests.orders.making import make_order, make_saga, make_step

pytestmark = pytest.mark.django_db

PEOPLE = ("sari", "dewi", "budi", "agus", "admin", OUTSIDER)
# One state of saga and step for each thing that can be pressed, and some where nothing can.
SITUATIONS = (
    ("running", "unknown"),
    ("running", "pending"),
    ("compensating", "undoing"),
    ("needs_hand", "undo_failed"),
    ("needs_hand", "done"),
    ("compensated", "undone"),
)
GROWN = {"orders_operatoraction", "orders_history", "orders_outbox"}


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    settings.UPSTREAMS = {
        name: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS
    }


def made(saga_state: str = "needs_hand", step_state: str = "undo_failed", **order: Any) -> Saga:
    saga = make_saga(make_order("booking", **order), saga_state)
    make_step(saga, step_state)
    return saga


def form(saga: Saga, name: str, **given: Any) -> dict[str, Any]:
    step = saga.steps.get()
    of_step = {"step": step.number, "step_version": step.version} if KINDS[name].of_step else {}
    return {
        "key": uuid.uuid4().hex,
        "version": Order.objects.get(pk=saga.order_id).version,
        "reason": "partner called",
        "saga_version": Saga.objects.get(pk=saga.pk).version,
        "evidence": "their desk says so",
        "reference": "T-1",
        **of_step,
        **given,
    }


def address(saga: Saga, name: str = "") -> str:
    return f"/orders/{saga.order.public_id}/sagas/1/" + (f"do/{name}/" if name else "")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("situation", SITUATIONS, ids="-".join)
def test_every_role_every_action_every_situation(people: World, name: str, situation: tuple[str, str]) -> None:
    legal = (situation[0], situation[1] if KINDS[name].of_step else "") in LEGAL[name]
    for who in PEOPLE:
        saga = made(*situation)
        before = counted()
        answer = people.client(who).post(address(saga, name), form(saga, name))
        grown = {table for table, count in counted().items() if count > before[table]}
        if not people.users[who].has_perm(RIGHT_BY_CODENAME[KINDS[name].right].permission):
            assert (who, answer.status_code, grown) == (who, 403, set())
            continue
        assert (who, answer.status_code, grown) == (who, 302, GROWN if legal else set())
        assert OperatorAction.objects.filter(order=saga.order).count() == int(legal)


def test_the_page_offers_what_is_possible_and_says_why_the_rest_is_not(people: World) -> None:
    saga = made()
    html = people.client("sari").get(address(saga)).content.decode()
    offered = set(re.findall(r"/do/(\w+)/", html))
    assert offered == {"retry_step", "mark_step_done", "skip_step", "compensate_saga"}
    assert set(re.findall(r"/do/(\w+)/", people.client("dewi").get(address(saga)).content.decode())) == {
        "retry_step",
        "mark_step_done",
        "compensate_saga",
    }
    assert not re.findall(r"/do/(\w+)/", people.client("agus").get(address(saga)).content.decode())
    calm = people.client("sari").get(address(made("compensated", "undone"))).content.decode()
    assert not re.findall(r"/do/(\w+)/", calm)
    assert "Not possible while the saga is “Compensated” and the step “Undone”." in calm


def test_the_page_tells_what_was_undone_in_which_order_and_what_was_not(people: World) -> None:
    saga = make_saga(make_order("booking"), "needs_hand", cause="undo_refused", failure="delivery: no driver")
    for state in ("done", "undo_failed", "undone", "failed", "pending"):
        make_step(saga, state, partner="rent", last_error="409 too late" if state == "undo_failed" else "")
    html = people.client("sari").get(address(saga)).content.decode()
    told = re.findall(r"<dt>Taking it back</dt><dd>(.*?)</dd>", html)
    assert [re.sub(r"<[^>]+>", "", each) for each in told] == [
        "Waits to be undone · in turn: 3",
        "Not undone · in turn: 2",
        "Undone · in turn: 1",
        "Nothing to undo",
        "Nothing to undo",
    ]
    evidence = re.findall(r"<li><span>([^<]+Rent partner[^<]*)", html)
    assert [each.split(": ", 1)[1].split(" · ")[0] for each in evidence] == ["Waits to be undone", "Not undone"]
    assert "Delivery partner: no driver" in html


def test_evidence_without_a_reference_brings_the_form_back_with_what_was_seen_first(people: World) -> None:
    saga = made()
    given = form(saga, "mark_step_done", reference="", saga_version=77)
    answer = people.client("sari").post(address(saga, "mark_step_done"), given)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert ('name="saga_version" value="77"' in html, 'name="reference"' in html, "aria-invalid" in html) == (True,) * 3
    assert not OperatorAction.objects.exists()


def test_a_second_person_sees_what_is_let_stand_and_lets_it_go(people: World) -> None:
    saga = made()
    answer = people.client("sari").post(address(saga, "skip_step"), form(saga, "skip_step"), follow=True)
    assert "Let it stand: waits for a second person." in answer.content.decode()
    action = OperatorAction.objects.get()
    budi = people.client("budi")
    assert "Let it stand" in budi.get("/approvals/").content.decode()
    dialog = budi.get(f"/approvals/action/{action.pk}/").content.decode()
    assert "What the partner did stays done and is paid for; the steps before it are undone." in dialog
    budi.post(f"/approvals/action/{action.pk}/", {"decision": "approve"})
    work.drain("action")
    assert saga.steps.get().state == StepState.SKIPPED
    assert Saga.objects.get().state == SagaState.COMPENSATED


def test_what_moved_on_is_refused_and_nothing_is_asked_for(people: World) -> None:
    saga = made()
    answer = people.client("sari").post(
        address(saga, "retry_step"), form(saga, "retry_step", step_version=99), follow=True
    )
    assert "It moved on since you looked. Nothing was done." in answer.content.decode()
    assert not OperatorAction.objects.exists()


def test_one_key_leads_from_the_order_to_its_newest_saga(people: World) -> None:
    saga = made("compensated", "undone")
    make_saga(saga.order, "needs_hand")
    sari = people.client("sari")
    html = sari.get(f"/orders/{saga.order.public_id}/").content.decode()
    assert f'data-key="h" href="/orders/{saga.order.public_id}/sagas/2/"' in html
    assert sari.get(f"/orders/{saga.order.public_id}/saga/")["Location"] == f"/orders/{saga.order.public_id}/sagas/2/"


@pytest.mark.parametrize(
    "path", ["sagas/0/", "sagas/2/", "sagas/2/do/retry_step/?step=1", "sagas/1/do/retry_step/?step=9"]
)
def test_what_is_not_there_is_not_found(people: World, path: str) -> None:
    saga = made()
    assert people.client("sari").get(f"/orders/{saga.order.public_id}/{path}").status_code == 404
    assert Client().get(f"/orders/{saga.order.public_id}/{path}").status_code == 302


def test_an_order_without_a_saga_has_none_to_show(people: World) -> None:
    assert people.client("sari").get(f"/orders/{make_order().public_id}/saga/").status_code == 404
