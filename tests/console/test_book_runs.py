"""Runs as finance begins, watches and compares them."""

from typing import Any

import pytest
from django.utils import timezone

from orders.models import Heartbeat
from reconciliation.models import Run, RunSchedule
from reconciliation.services.runs import reconcile, work
from tests.console.people import World
from tests.reconciliation.books import feed, line, load_into


@pytest.fixture
def books(db: None) -> None:
    paid = [line(1_000, order=f"A{n}", reference=f"A{n}-1", source="midtrans") for n in range(3)]
    load_into(feed("ours", "ledger"), paid)
    load_into(feed("ho"), [line(960, order="A0"), line(1_000, order="A1")])


def test_a_run_is_asked_for_and_its_page_proves_it(people: World, books: None) -> None:
    answer = people.client("budi").post("/reconciliation/runs/new/", {"scope": "full"})
    run = Run.objects.get()
    assert answer["Location"] == f"/reconciliation/runs/{run.pk}/"
    assert (run.state, run.actor) == ("waiting", "user:budi")
    assert "Waits for a worker" in people.client("budi").get(answer["Location"]).content.decode()
    work(run.pk)
    text = people.client("agus").get(answer["Location"]).content.decode()
    assert "Done: every line was counted once" in text
    assert "2 found, 0 healed, 2 open after it" in text
    assert "Found first in this run: 2" in text
    assert "One line each, same amount" in text


@pytest.mark.parametrize(
    "form", [{"scope": "window"}, {"scope": "window", "first": "2026-11-20", "last": "2026-11-19"}, {"scope": "all"}]
)
def test_a_run_that_makes_no_sense_is_not_begun(people: World, form: dict[str, str]) -> None:
    assert people.client("budi").post("/reconciliation/runs/new/", form).status_code == 422
    assert not Run.objects.exists()


@pytest.mark.parametrize("who", ["sari", "agus", "admin"])
def test_who_may_only_look_begins_no_run_and_no_schedule(people: World, who: str) -> None:
    assert people.client(who).post("/reconciliation/runs/new/", {"scope": "full"}).status_code == 403
    assert people.client(who).post("/reconciliation/runs/schedules/new/", {}).status_code == 403
    assert not Run.objects.exists()


def test_two_runs_are_compared_on_a_page(people: World, books: None) -> None:
    first = reconcile()
    load_into(feed("ho"), [line(1_000, order="A2")])
    second = reconcile()
    text = people.client("agus").get("/reconciliation/runs/compare/").content.decode()
    assert f"From run {first.pk} to run {second.pk}" in text
    assert "Healed: 1" in text
    assert "Missing at Head Office" in text


def test_a_schedule_is_kept_and_a_failed_one_is_an_alert(people: World) -> None:
    form = {"scope": "changes", "kind": "daily", "at": "06:00", "days": ["1", "5"], "is_active": "on", "version": "1"}
    client = people.client("budi")
    assert client.post("/reconciliation/runs/schedules/new/", form).status_code == 422
    assert client.post("/reconciliation/runs/schedules/new/", form | {"reason": "mornings"}).status_code == 302
    found = RunSchedule.objects.get()
    assert (found.rule, found.weekdays) == ("daily:06:00", "15")
    assert "daily at 06:00 WIB, Mon Fri" in client.get("/reconciliation/runs/").content.decode()
    assert "mornings" in client.get(f"/reconciliation/runs/schedules/{found.pk}/").content.decode()
    run = Run.objects.create(scope="full", state="failed", started_at=timezone.now())
    Heartbeat.objects.create(name="round:run-schedules", pid=0, detail={"failed": 1, "run": run.pk})
    Heartbeat.objects.create(name="round:feeds", pid=0, detail={"broken": 1, "late": 2})
    text = client.get("/reconciliation/runs/").content.decode()
    assert "A scheduled comparison of the books failed" in text
    assert "1 feed of the books is broken" in text
    assert "2 feeds of the books are behind" in text


def test_the_list_of_runs_costs_the_same_for_one_and_for_many(people: World, django_assert_num_queries: Any) -> None:
    client = people.client("agus")
    Run.objects.create(scope="full", state="done", summary={"found": 1}, actor="user:budi")
    client.get("/reconciliation/runs/")
    with django_assert_num_queries(10):
        client.get("/reconciliation/runs/")
    Run.objects.bulk_create(Run(scope="full", state="done", actor="user:budi") for _each in range(60))
    with django_assert_num_queries(10):
        page = client.get("/reconciliation/runs/")
    rest = client.get(page.context["next_url"])
    assert (len(page.context["rows"]), len(rest.context["rows"])) == (50, 11)
