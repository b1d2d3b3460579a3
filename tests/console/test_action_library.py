"""The library of actions and the form that plans one: words for everything, links that fill it in, nothing done."""

import re
from typing import Any

import pytest
from django.test import Client

from opsconsole.console.action_fields import WORDS, fields_of
from opsconsole.console.action_library import NOT_HERE
from orders.models import ChannelPause, OperatorAction
from orders.services import switches
from runbooks.models import Deed, Plan
from runbooks.registry import ACTIONS
from tests.console.order_world import late_order
from tests.console.people import World
from tests.orders.making import make_letter

pytestmark = pytest.mark.django_db
REFS = sorted(ACTIONS)


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_every_action_stands_in_the_library_with_who_may_and_what_undoes_it(people: World) -> None:
    page = text(people.client("agus").get("/runbooks/actions/"))
    for action in ACTIONS.values():
        assert f'id="row-{action.name}"' in page
        assert (f"/runbooks/actions/{action.name}/" in page) is (action.name not in NOT_HERE)
    assert "Moves money, or is final" in page


@pytest.mark.parametrize("ref", REFS)
def test_every_parameter_of_every_action_has_words(ref: str) -> None:
    for field in fields_of(ACTIONS[ref], {}):
        assert field.label
        assert field.help
        assert field.name in WORDS


@pytest.mark.parametrize("ref", [ref for ref in REFS if ACTIONS[ref].name not in NOT_HERE])
def test_every_form_is_drawn_and_an_empty_one_plans_nothing(sari: Client, people: World, ref: str) -> None:
    path = f"/runbooks/actions/{ACTIONS[ref].name}/"
    assert ACTIONS[ref].name in text(sari.get(path))
    for who in ("sari", "budi", "admin"):
        assert people.client(who).post(path, {}).status_code in (403, 422)
    assert not Plan.objects.exists()


def test_a_link_fills_the_form_in(sari: Client, settings: Any) -> None:
    settings.BREAKERS = {name: {"consecutive": 5, "open": 60.0, "probes": 1} for name in ("midtrans", "xendit")}
    page = text(sari.get("/runbooks/actions/force_breaker/?subject=midtrans&mode=closed&minutes=45"))
    assert 'name="subject" value="midtrans" checked' in page
    assert page.count(" checked") == 1
    assert '<option value="closed" selected>' in page
    assert 'name="minutes" inputmode="numeric" autocomplete="off" maxlength="9" value="45"' in page
    assert "1 to 1440." in page


def test_what_is_planned_here_is_shown_before_anything_is_done(sari: Client) -> None:
    form = {"subject": ["app", "web"], "minutes": "20", "message": "Sebentar ya."}
    response = sari.post("/runbooks/actions/pause_channel/", form)
    plan = Plan.objects.get()
    assert response["Location"] == f"/runbooks/plans/{plan.code}/"
    assert (plan.action, plan.kind, plan.eligible, plan.proposer) == ("pause_channel@1", "form", 2, "user:sari")
    assert plan.params == {"minutes": 20, "message": "Sebentar ya."}
    assert "the form of the action" in text(sari.get(response["Location"]))
    assert not ChannelPause.objects.exists()
    assert not Deed.objects.exists()


def test_orders_are_named_by_their_codes_and_all_of_them_must_be_known(sari: Client) -> None:
    order = late_order()
    refused = sari.post("/runbooks/actions/refund/", {"typed": f"{order.public_id}, MRG-0"})
    assert refused.status_code == 422
    assert "Nobody knows MRG-0. Nothing was done." in text(refused)
    assert order.public_id in text(refused), "what was typed is kept"
    assert not Plan.objects.exists()
    sari.post("/runbooks/actions/refund/", {"typed": order.public_id})
    assert Plan.objects.get().rows.get().order_id == order.pk
    assert not OperatorAction.objects.exists()


def test_a_selection_is_all_that_match_now(sari: Client) -> None:
    letters = [make_letter() for _each in range(3)]
    make_letter(state="retrying")
    sari.post("/runbooks/actions/replay_letter/", {"selection": "dead_letters"})
    plan = Plan.objects.get()
    assert (plan.eligible, plan.ineligible, plan.source) == (len(letters), 0, {"selection": "dead_letters"})


@pytest.mark.parametrize(
    ("name", "form", "says"),
    [
        ("pause_channel", {"subject": "app", "minutes": "99999", "message": "x"}, "minutes"),
        ("pause_channel", {"subject": "app", "minutes": "-1", "message": "x"}, "minutes"),
        ("force_breaker", {"subject": "midtrans", "mode": "sideways"}, "mode"),
        ("replay_letter", {"selection": "stuck_orders"}, "no such selection"),
        ("replay_letter", {"typed": "nonsense"}, "Nobody knows nonsense"),
    ],
)
def test_what_does_not_fit_is_said_and_plans_nothing(sari: Client, name: str, form: dict[str, str], says: str) -> None:
    response = sari.post(f"/runbooks/actions/{name}/", form)
    assert response.status_code == 422
    assert says in text(response)
    assert not Plan.objects.exists()


def test_a_switch_is_said_on_the_form(sari: Client) -> None:
    switches.turn("pause_channel", stop=True, known=["pause_channel"], actor="user:budi", reason="not today")
    assert "Stopped: not today" in text(sari.get("/runbooks/actions/pause_channel/"))
    assert "Stopped: not today" in text(sari.get("/runbooks/actions/"))


def test_a_reader_sees_the_form_and_may_not_use_it(people: World) -> None:
    page = text(people.client("agus").get("/runbooks/actions/pause_channel/"))
    assert 'aria-disabled="true">Show what it would do' in page
    assert "On-call, Administrator" in page


@pytest.mark.parametrize("name", ["drop_tables", "hold_order", "release_hold", "refund@9"])
def test_an_action_that_is_not_here_is_not_found(sari: Client, name: str) -> None:
    assert sari.get(f"/runbooks/actions/{name}/").status_code == 404
