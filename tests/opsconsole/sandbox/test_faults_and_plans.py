"""Switching faults, planning fates, and getting the same run from the same seed."""

import httpx
import pytest

from opsconsole.sandbox import Sandbox
from opsconsole.sandbox.chance import chance
from opsconsole.sandbox.faults import Faults, UnknownFault, changed
from opsconsole.sandbox.plans import BadPlan, Plans
from opsconsole.sandbox.remote import RemoteSandbox, SandboxSaidNo
from orders.clients import tpg
from orders.resilience import Answered, Unknown
from tests.orders.clients.attempts import attempt
from tests.sandbox_fixtures import SECRETS, effects, raw, wait_until

DOINGS = ["error", "error_after", "timeout", "timeout_after_success", "late_effect", "reset", "reset_after", "drip"]


def test_chance_depends_on_nothing_but_its_arguments():
    assert chance(1, "a", "b") == chance(1, "a", "b")
    assert chance(1, "a", "b") != chance(2, "a", "b")
    assert chance(1, "ab", "c") != chance(1, "a", "bc")
    assert all(0 <= chance(1, number) < 1 for number in range(1000))
    assert 450 < sum(chance(1, number) < 0.5 for number in range(1000)) < 550


@pytest.mark.parametrize(
    "given",
    [
        {"explode": 1},
        {"down": "yes"},
        {"latency": -1},
        {"latency": "slow"},
        {"only": "create"},
        {"callbacks": {"lose": 1}},
        {"callbacks": 1},
        {"reject_code": 5},
    ],
)
def test_what_is_no_fault_is_refused(given):
    with pytest.raises(UnknownFault):
        changed(Faults(), by=given)


def test_faults_are_shown_changed_and_taken_away(control):
    control.faults("midtrans", latency=1.5, callbacks={"drop": 0.25})
    control.faults("midtrans", error_rate=0.5)
    shown = raw(control, "GET", "/faults").json()["midtrans"]
    assert (shown["latency"], shown["error_rate"], shown["callbacks"]["drop"]) == (1.5, 0.5, 0.25)
    raw(control, "PUT", "/faults/midtrans", json={"jitter": 0.1})
    assert raw(control, "GET", "/faults/midtrans").json()["latency"] == 0
    control.no_faults()
    assert raw(control, "GET", "/faults/midtrans").json() == Faults().as_json()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "/faults/midtrans", {"explode": 1}, 422),
        ("PATCH", "/faults/nobody", {}, 404),
        ("POST", "/plan", {"MRG-1": [{"on": "pay"}]}, 422),
        ("POST", "/plan", {"MRG-1": [{"on": "pay", "do": "fail", "when": 1}]}, 422),
        ("POST", "/plan", {"MRG-1": {"on": "pay", "do": "fail"}}, 422),
        ("POST", "/pay", {"reference": "nobody"}, 404),
        ("POST", "/trip", {"reference": "nobody"}, 404),
        ("PUT", "/speed", {"speed": 0}, 422),
        ("GET", "/books/nobody", None, 404),
        ("GET", "/nowhere", None, 404),
    ],
)
def test_the_control_api_says_what_is_wrong(control, method, path, body, status):
    response = raw(control, method, path, json=body)
    assert response.status_code == status
    assert response.json()


@pytest.mark.usefixtures("neighbours")
class TestDice:
    def fates(self, control, *, count=60, prefix="K"):
        """Which of many bookings came through, in order."""
        return [
            isinstance(tpg.book(f"MRG-{n}", item={"ref": "i"}, idempotency_key=f"{prefix}{n}"), Answered)
            for n in range(count)
        ]

    def test_a_rate_hits_about_so_many_calls(self, control, settings):
        settings.UPSTREAMS["tpg"]["tries"] = 1
        control.faults("tpg", error_rate=0.5)
        assert 15 < sum(self.fates(control)) < 45

    def test_the_same_seed_hits_the_same_orders(self, control, settings, receiver):
        settings.UPSTREAMS["tpg"]["tries"] = 1
        control.faults("tpg", error_rate=0.5)
        first = self.fates(control)
        with Sandbox(secrets=SECRETS, app_url=receiver.url) as again:
            settings.UPSTREAMS["tpg"]["url"] = again.urls["tpg"]
            with RemoteSandbox(again.control_url) as other:
                other.faults("tpg", error_rate=0.5)
                assert self.fates(other) == first
        with Sandbox(secrets=SECRETS, app_url=receiver.url, seed=2) as otherwise:
            settings.UPSTREAMS["tpg"]["url"] = otherwise.urls["tpg"]
            with RemoteSandbox(otherwise.control_url) as other:
                other.faults("tpg", error_rate=0.5)
                assert self.fates(other) != first

    def test_a_sticky_fault_hits_an_order_always_or_never(self, control, settings):
        settings.UPSTREAMS["tpg"]["tries"] = 1
        control.faults("tpg", error_rate=0.5, sticky=True)
        assert self.fates(control) == self.fates(control) == self.fates(control)

    def test_a_fault_that_is_not_sticky_is_drawn_anew(self, control, settings):
        settings.UPSTREAMS["tpg"]["tries"] = 1
        control.faults("tpg", error_rate=0.5)
        assert self.fates(control) != self.fates(control, prefix="L")

    def test_a_fault_can_be_kept_to_some_operations(self, control):
        control.faults("tpg", error_rate=1, only=["cancel"])
        assert isinstance(tpg.book("MRG-1", item={"ref": "i"}, idempotency_key="K"), Answered)
        assert isinstance(tpg.cancel("K"), Unknown)

    @pytest.mark.parametrize("do", DOINGS)
    def test_every_fault_can_be_drawn(self, control, do):
        setting = {"error": "error_rate", "error_after": "error_after_rate", "timeout": "timeout_rate"}
        setting |= {"reset": "reset_rate", "reset_after": "reset_after_rate"}
        control.faults("tpg", **{setting.get(do, do): 1}, late_seconds=0, drip_seconds=30)
        assert isinstance(tpg.book("MRG-1", item={"ref": "i"}, idempotency_key="K", deadline=0.3), Unknown)
        control.no_faults()
        happened = do in ("error_after", "timeout_after_success", "late_effect", "reset_after", "drip")
        assert (effects(control, "tpg")[:1] == ["booked"]) is happened
        assert control.stats()["counts"][f"tpg.book.{do}"] >= 1


class TestPlans:
    def test_a_behaviour_is_used_up(self):
        plans = Plans()
        plans.set("A", [{"on": "book", "do": "error", "times": 2}])
        taken = [plans.take(["A"], neighbour="tpg", on="book") for _ in range(3)]
        assert [each is not None for each in taken] == [True, True, False]

    def test_behaviours_follow_each_other(self):
        plans = Plans()
        plans.set("A", [{"on": "book", "do": "error", "times": 1}, {"on": "book", "do": "timeout", "times": 1}])
        taken = [plans.take(["A"], neighbour="tpg", on="book") for _ in range(3)]
        assert [each and each.do for each in taken] == ["error", "timeout", None]

    def test_a_behaviour_is_for_its_neighbour_and_operation(self):
        plans = Plans()
        plans.set("A", [{"neighbour": "tpg", "on": "book", "do": "error"}])
        assert plans.take(["A"], neighbour="rent", on="book") is None
        assert plans.take(["A"], neighbour="tpg", on="cancel") is None
        assert plans.take(["B"], neighbour="tpg", on="book") is None
        assert plans.take(["B", "A"], neighbour="tpg", on="book").do == "error"

    def test_a_plan_is_replaced_and_taken_away(self):
        plans = Plans()
        plans.set("A", [{"on": "*", "do": "error"}])
        plans.set("A", [{"on": "*", "do": "timeout"}])
        assert plans.take(["A"], neighbour="tpg", on="book").do == "timeout"
        plans.set("A", [])
        assert plans.as_json() == {}

    @pytest.mark.parametrize("given", [{}, {"on": 1, "do": "x"}, {"on": "x"}, "x", {"on": "x", "do": "y", "z": 1}])
    def test_what_is_no_behaviour_is_refused(self, given):
        with pytest.raises(BadPlan):
            Plans().set("A", [given])


@pytest.mark.usefixtures("neighbours")
class TestPlansOfOrders:
    @pytest.mark.parametrize("reference", ["MRG-1", "MRG-1-1", "+628111", "budi@example.com"])
    @pytest.mark.parametrize("name", ["midtrans", "xendit", "nicepay"])
    def test_a_fate_can_be_fixed_before_the_order_exists(self, control, name, reference):
        control.plan(reference, {"on": "create", "do": "error", "times": 1})
        assert isinstance(attempt(name).create(), Unknown)
        assert isinstance(attempt(name).create(), Answered)

    def test_the_customer_of_an_order_can_be_planned_to_fail(self, control):
        one = attempt("midtrans").open()
        control.plan("+628111", {"on": "pay", "do": "fail"})
        control.pay(one.ref)
        assert one.status().state == "declined"

    def test_a_payment_can_be_planned_to_go_back(self, control):
        one = attempt("midtrans", method="va_permata").open()
        control.plan(one.order_ref, {"on": "pay", "do": "reverse", "seconds": 0})
        control.pay(one.ref)
        wait_until(lambda: effects(control, "midtrans") == ["charged", "reversed"])
        assert one.status().state == "reversed"

    def test_a_share_of_refunds_can_come_to_nothing(self, control):
        one = attempt("xendit").open()
        control.faults("xendit", refund_fails=1)
        control.pay(one.ref)
        one.refund(50_000)
        wait_until(lambda: one.ask_refund(50_000).state == "failed")
        assert effects(control, "xendit") == ["charged"]

    def test_plans_are_shown_and_taken_away(self, control):
        control.plan("A", {"on": "pay", "do": "fail"})
        assert raw(control, "GET", "/plan", params={"reference": "A"}).json()["A"][0]["do"] == "fail"
        control.no_plans()
        assert raw(control, "GET", "/plan").json() == {}


@pytest.mark.usefixtures("neighbours")
class TestCustomers:
    def test_a_customer_pays_the_newest_open_attempt_of_an_order(self, control):
        first = attempt("midtrans", ref="MRG-1-1").open()
        second = attempt("xendit", ref="MRG-1-2").open()
        control.pay("MRG-1")
        assert (first.status().state, second.status().state) == ("open", "paid")
        control.pay("MRG-1")
        assert first.status().state == "paid"

    def test_an_attempt_can_be_chosen_by_its_gateway(self, control):
        first, second = attempt("midtrans", ref="A").open(), attempt("xendit", ref="B").open()
        control.pay("MRG-1", gateway="midtrans")
        assert (first.status().state, second.status().state) == ("paid", "open")

    def test_money_can_be_found_after_the_end(self, control):
        one = attempt("xendit").open()
        control.pay(one.ref, outcome="expire")
        with pytest.raises(SandboxSaidNo, match="409"):
            control.pay(one.ref)
        control.pay(one.ref, force=True)
        assert one.status().state == "paid"

    @pytest.mark.parametrize("outcome", ["settle", "reverse"])
    def test_what_is_not_paid_cannot_settle(self, control, outcome):
        one = attempt("xendit").open()
        with pytest.raises(SandboxSaidNo, match="409"):
            control.pay(one.ref, outcome=outcome)

    def test_an_outcome_that_does_not_exist_is_refused(self, control):
        one = attempt("xendit").open()
        with pytest.raises(SandboxSaidNo):
            control.pay(one.ref, outcome="dance")

    def test_books_are_read_from_where_one_left_off(self, control):
        one = attempt("xendit").open()
        control.pay(one.ref)
        seen = control.books("xendit")["effects"][-1]["seq"]
        assert control.books("xendit", since=seen)["effects"] == []

    def test_books_can_be_emptied(self, control):
        one = attempt("xendit").open()
        control.pay(one.ref)
        control.no_books()
        assert control.books("xendit")["effects"] == []
        assert one.ask().status == 404


def test_the_page_shows_every_neighbour_and_its_form_sets_faults(sandbox, control):
    page = httpx.get(sandbox.control_url)
    assert page.status_code == 200
    for name in sandbox.urls:
        assert name == "control" or f">{name}<" in page.text
    form = {"latency": "0.5", "callbacks.drop": "1"}
    assert httpx.post(f"{sandbox.control_url}/faults-form/ho", data=form).status_code == 303
    faults = raw(control, "GET", "/faults/ho").json()
    assert (faults["latency"], faults["callbacks"]["drop"], faults["down"]) == (0.5, 1.0, False)
    assert httpx.post(f"{sandbox.control_url}/faults-form/ho", data={"latency": "x"}).status_code == 422
    control.plans({"+628111": [{"on": "status", "do": "error"}]})
    assert httpx.post(f"{sandbox.control_url}/calm-form").status_code == 303
    assert raw(control, "GET", "/faults/ho").json()["latency"] == 0
    assert raw(control, "GET", "/plan").json() == {}


def test_providers_are_switched_off_and_on_by_buttons(sandbox, control):
    def press(name: str, off: str) -> int:
        return httpx.post(f"{sandbox.control_url}/providers-form/{name}", data={"off": off}).status_code

    assert (press("twilio", "yes"), press("sendgrid", "yes")) == (303, 303)
    assert sandbox.world.faults("notification").providers_off == ["sendgrid", "twilio"]
    assert "twilio: off, switch on" in httpx.get(sandbox.control_url).text
    assert (press("twilio", ""), press("nobody", "yes")) == (303, 404)
    assert sandbox.world.faults("notification").providers_off == ["sendgrid"]
