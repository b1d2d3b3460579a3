"""Going through a runbook: one step at a time, once, by whoever is there, and on after anything."""

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import Diagnosis, OperatorAction, Order
from orders.services import ledger
from reconciliation import business_day
from runbooks.diagnoses import DIAGNOSES
from runbooks.files import load
from runbooks.management.commands.runbook import manifest_lines
from runbooks.models import Guide, GuideEvent, GuideStep, Plan, Run
from runbooks.queries import guides as queries
from runbooks.queries.figures import read as read_figures
from runbooks.services import approving, drilling, guiding
from runbooks.services.guiding import Said
from runbooks.states import StepState
from tests.orders.making import make_attempt, make_letter, make_order, make_posting
from tests.runbooks.planning import BUDI, SARI, go

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent / "golden"


def begin(name: str = "callback-loss", **more: Any) -> Guide:
    book = load(name)
    assert book is not None
    return guiding.begin(book, actor=SARI, **more)


def current(guide: Guide) -> str:
    return GuideStep.objects.get(guide=guide, state=StepState.CURRENT).step


def done(guide: Guide, step: str, note: str = "seen", **more: Any) -> None:
    guiding.done(guide, step, Said(actor=SARI, note=note, **more))


def hanging(cause: str, *, minutes: int = 120, **fields: Any) -> Order:
    """An order that hangs, and why."""
    since = timezone.now() - timedelta(minutes=minutes)
    order = make_order("awaiting_payment", since=since, **fields)
    make_attempt(order, "unknown", since=since)
    Diagnosis.objects.update_or_create(
        order=order,
        defaults={"cause": cause, "confidence": 90, "order_version": order.version, "next_step": "recheck_payment"},
    )
    return order


def to_act(guide: Guide) -> Guide:
    done(guide, "see")
    done(guide, "reach", "405")
    return guide


def test_a_run_goes_from_step_to_step_and_remembers_what_was_known() -> None:
    guide = begin()
    assert current(guide) == "see"
    done(guide, "see", "")
    row = GuideStep.objects.get(step="see")
    assert (row.state, row.actor) == ("done", SARI)
    assert [each["key"] for each in row.figures][:2] == ["received", "silent"]
    assert current(guide) == "reach"
    with pytest.raises(NotAllowed, match="Paste what the command answered"):
        done(guide, "reach", " ")
    done(guide, "reach", "405 0")
    assert current(guide) == "recheck"
    told = GuideEvent.objects.order_by("id").values_list("verb", "step", "note")
    assert list(told) == [("begin", "", ""), ("done", "see", ""), ("done", "reach", "405 0")]


def test_of_two_who_click_the_same_the_second_moves_nothing() -> None:
    guide = begin()
    done(guide, "see")
    for step in ("see", "recheck", "nobody"):
        with pytest.raises(NotAllowed, match="Somebody has moved it on"):
            done(guide, step)
        with pytest.raises(NotAllowed):
            guiding.skip(guide, step, Said(actor=BUDI, note="x"))
        with pytest.raises(NotAllowed):
            guiding.plan(guide, step, actor=BUDI)
    assert (current(guide), GuideEvent.objects.count(), Plan.objects.count()) == ("reach", 2, 0)
    with pytest.raises(IntegrityError), transaction.atomic():
        GuideStep.objects.create(guide=guide, step="tell")


def test_an_act_freezes_what_is_selected_now_and_only_once() -> None:
    order, other = hanging("callback_lost"), hanging("customer_not_paid")
    guide = to_act(begin())
    plan = guiding.plan(guide, "recheck", actor=SARI)
    assert (plan.kind, plan.eligible, plan.action) == ("step", 1, "recheck_payment@1")
    assert plan.rows.get().order == order
    assert plan.source["run"] == guide.code
    assert guiding.plan(guide, "recheck", actor=BUDI) == plan
    with pytest.raises(NotAllowed, match="not yet as wanted"):
        done(guide, "recheck", "")
    approving.start(plan, go(plan))
    with pytest.raises(NotAllowed, match="under way"):
        done(guide, "recheck", "whatever")
    with pytest.raises(NotAllowed, match="under way"):
        guiding.skip(guide, "recheck", Said(actor=SARI, note="x"))
    with pytest.raises(NotAllowed, match="under way"):
        guiding.plan_again(guide, "recheck", actor=SARI)
    Run.objects.update(state="finished")
    done(guide, "recheck", "the rest is known")
    assert current(guide) == "twice"
    assert other.actions.count() == 0


def test_a_step_that_did_nothing_is_planned_anew_or_left_out_with_a_reason() -> None:
    hanging("callback_lost")
    guide = to_act(begin())
    with pytest.raises(NotAllowed, match="Nothing was planned"):
        done(guide, "recheck")
    first = guiding.plan(guide, "recheck", actor=SARI)
    approving.withdraw(first, actor=SARI)
    assert guiding.plan(guide, "recheck", actor=SARI) != first
    with pytest.raises(NotAllowed, match="Say why"):
        guiding.skip(guide, "recheck", Said(actor=SARI, note=" "))
    guiding.skip(guide, "recheck", Said(actor=SARI, note="the gateway is down"))
    assert GuideStep.objects.get(step="recheck").state == "skipped"


def test_nothing_is_planned_beyond_the_budget_of_the_runbook() -> None:
    hanging("callback_lost")
    guide = to_act(begin())
    Guide.objects.update(text=guide.text.replace("rows: 5000", "rows: 1").replace("callback_lost, ", ""))
    hanging("payment_unknown")
    hanging("payment_unknown")
    with pytest.raises(NotAllowed, match="more than this runbook may touch at once: 1 row"):
        guiding.plan(guide, "recheck", actor=SARI)
    assert not Plan.objects.exists()


def test_a_choice_leaves_the_rest_of_the_way_aside_and_the_end_ends_it() -> None:
    guide = begin()
    to_act(guide)
    guiding.skip(guide, "recheck", Said(actor=SARI, note="none"))
    done(guide, "twice")
    with pytest.raises(NotAllowed, match="Choose one of the ways"):
        done(guide, "way", choice="see")
    done(guide, "way", choice="tell")
    assert GuideStep.objects.get(step="refund").state == "passed"
    done(guide, "tell", "")
    assert "Midtrans 0, Xendit 0, Nicepay 0" in GuideStep.objects.get(step="tell").note
    guide.refresh_from_db()
    assert (guide.state, guide.ended_by) == ("finished", SARI)
    with pytest.raises(NotAllowed, match="has ended"):
        done(guide, "tell")


def test_a_run_keeps_the_text_that_it_began_with_and_its_history_stays() -> None:
    guide = begin("gateway-down", params={"gateway": "xendit"}, incident_id=7)
    assert (guide.params, guide.incident_id) == ({"gateway": "xendit"}, 7)
    assert guiding.book_of(guide).hash == guide.hash
    with pytest.raises(NotAllowed, match="“dana” is not offered for gateway"):
        begin("gateway-down", params={"gateway": "dana"})
    for change in (lambda: GuideEvent.objects.update(actor=BUDI), lambda: GuideEvent.objects.all().delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_an_abandoned_run_says_why_and_is_over() -> None:
    guide = begin()
    with pytest.raises(NotAllowed):
        guiding.abandon(guide, actor=SARI, reason=" ")
    guiding.abandon(guide, actor=SARI, reason="it was a false alarm")
    with pytest.raises(NotAllowed, match="has ended"):
        done(guide, "see")
    assert list(GuideStep.objects.values_list("state", flat=True)) == ["skipped"]


def test_clocks_run_from_the_beginning_and_stop_with_their_steps() -> None:
    guide = begin("tpg-bbd-down")
    book = guiding.book_of(guide)
    clocks = {clock.name: clock for clock in queries.clocks_of(guide, book, queries.steps_of(guide))}
    assert {name: clock.due_at - guide.started_at for name, clock in clocks.items()} == {
        "triage": timedelta(minutes=2),
        "stakeholder": timedelta(minutes=5),
        "workaround": timedelta(minutes=10),
    }
    done(guide, "queue")
    now = queries.clocks_of(guide, book, queries.steps_of(guide))
    assert [clock.name for clock in now if clock.stopped_at] == ["triage"]
    assert not now[0].is_late(timezone.now() + timedelta(hours=1))
    assert now[1].is_late(timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize("name", sorted(DIAGNOSES))
def test_every_diagnosis_gives_the_figures_it_promises(name: str) -> None:
    diagnosis = DIAGNOSES[name]
    found = {figure.key for figure in diagnosis.read(diagnosis.narrowing())}
    assert set(diagnosis.keys) <= found


def test_reading_works_with_a_read_only_database() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        for name in DIAGNOSES:
            assert read_figures(name, {}, {}, {})
        assert queries.matching([book for book in [load("redis-failure")] if book], "sentinel master")


def world() -> None:
    """A small demo of what hangs: what `runbook plan` is held to by golden files."""
    for number, cause in enumerate(("callback_lost", "payment_unknown", "ho_rejected")):
        hanging(cause, public_id=f"G-{number}", amount=100_000 * (number + 1))
    order = make_order("completed", public_id="G-9", since=timezone.now() - timedelta(hours=3))
    make_posting(order, "rejected", since=timezone.now() - timedelta(hours=3))
    Diagnosis.objects.create(order=order, cause="ho_rejected", confidence=90, order_version=1, next_step="repost_ho")
    twice = make_order("completed", public_id="G-8", amount=150_000)
    for _number in range(2):
        attempt = make_attempt(twice, "paid")
        ledger.charge(attempt, amount=150_000, at=timezone.now())
    make_letter(event_id="h-dead")


PLANNED = ("callback-loss", "duplicate-charges", "payments-missing-at-ho", "message-broker-down")


@pytest.mark.parametrize("name", PLANNED)
def test_the_manifest_of_a_runbook_is_the_golden_one(name: str) -> None:
    world()
    book = load(name)
    assert book is not None
    text = "\n".join(manifest_lines(book)) + "\n"
    today = business_day.of(timezone.now())
    for ago in range(4):
        text = text.replace((today - timedelta(days=ago)).isoformat(), f"today-{ago}")
    golden = GOLDEN / f"{name}.txt"
    assert text == golden.read_text(), f"the manifest of {name} is another one:\n{text}"
    assert not Plan.objects.exists()


def test_a_drill_is_refused_where_real_orders_are(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="never in production"):
        call_command("runbook", "drill", "--all")


def test_a_drill_of_every_runbook_passes_and_would_notice_harm(settings: Any) -> None:
    settings.DEMO = True
    settings.SECOND_PERSON_FROM = 1_000_000
    for _number in range(4):
        make_letter()
    out = StringIO()
    call_command("runbook", "drill", "--all", stdout=out)
    assert out.getvalue().count("  passed as RB-") == 13, out.getvalue()
    assert "workers died" in out.getvalue()
    assert Guide.objects.filter(state="finished").count() == 13
    assert OperatorAction.objects.count() <= OperatorAction.objects.values("key").distinct().count()

    book = load("message-broker-down")
    assert book is not None
    make_letter()
    make_letter()
    report = drilling.drill(book, click=careless)
    assert not report.passed
    assert any("a double click made two plans" in fault for fault in report.faults)


def careless(guide: Guide, step_id: str) -> Plan:
    """A click that forgets what it planned."""
    made = drilling.plan_step(guide, step_id)
    GuideStep.objects.filter(guide=guide, step=step_id).update(plan=None)
    return made


def test_a_run_at_the_terminal_works_without_redis(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for _number in range(2):
        make_letter()
    answers = ("ok", "all nodes run", "restarted", "ok drained", "plan mended", "ok replayed", "ok")
    out = StringIO()
    with pytest.raises(CommandError, match="Say who you are"):
        call_command("runbook", "run", "message-broker-down", stdout=out)
    given = StringIO("\n".join(answers) + "\n")
    call_command("runbook", "run", "message-broker-down", "--inline", "--actor", "sari", stdout=out, stdin=given)
    said = out.getvalue()
    assert "would touch 2, no money moves" in said
    assert "started." in said
    assert said.rstrip().endswith("finished.")
    assert Plan.objects.get().run.state == "finished"
