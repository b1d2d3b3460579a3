"""Runbooks on screen: the library, one to read, a run that two people see, and who may do what."""

from typing import Any

import pytest
from django.test import Client

from opsconsole.console.guide_words import figure_text
from orders.models import OperatorAction
from runbooks.files import load
from runbooks.incident_states import Severity
from runbooks.models import Guide, GuideEvent, GuideStep, IncidentPlan, Plan
from runbooks.services import guiding
from runbooks.services.guiding import Said
from runbooks.services.incidents import opening
from tests.console.people import World
from tests.orders.making import make_letter
from tests.runbooks.planning import SARI

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NAME = "message-broker-down"


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def begin(name: str = NAME) -> Guide:
    book = load(name)
    assert book is not None
    return guiding.begin(book, actor=SARI)


def up_to_replay(guide: Guide) -> Guide:
    for step in ("see", "broker", "restart", "drain"):
        guiding.done(guide, step, Said(actor=SARI, note="seen"))
    return guide


def address(guide: Guide, deed: str = "") -> str:
    return f"/runbooks/{guide.runbook}/runs/{guide.code}/" + (f"{deed}/" if deed else "")


def html(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode().replace("\xa0", " ")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(12, "min", "12 min"), (7854, "min", "5d 10h"), (90, "%", "90%"), (3, "s", "3 s"), (None, "s", "–")],
)
def test_a_figure_has_a_unit_that_people_read(value: float | None, unit: str, said: str) -> None:
    assert figure_text(value, unit=unit) == said


def test_the_library_is_searched_by_what_people_see(sari: Client) -> None:
    everything = html(sari, "/runbooks/library/")
    assert everything.index("Database failover") < everything.index("One gateway down")
    found = html(sari, "/runbooks/library/?q=charged+twice")
    assert "Duplicate charges" in found
    assert "Redis failure" not in found
    assert "No runbook has these words" in html(sari, "/runbooks/library/?q=zzz")
    sari.post("/preferences/", {"language": "id"})
    assert "Tagihan ganda" in html(sari, "/runbooks/library/?q=duplicate")


def test_one_is_read_with_its_commands_and_what_not_to_do(sari: Client) -> None:
    page = html(sari, "/runbooks/library/database-failover/")
    assert '<code class="language-sh">patronictl -c /etc/patroni.yml list' in page
    assert "Do not start the old primary" in page
    assert 'id="step-promote"' in page
    assert sari.get("/runbooks/library/nobody/").status_code == 404


def test_an_indonesian_reads_words_of_their_own_and_a_step_leads_to_its_action(sari: Client) -> None:
    sari.post("/preferences/", {"language": "id"})
    page = html(sari, "/runbooks/library/traffic-spike-hanging-orders/")
    for text in ("Jangan</h2>", "Arti</h2>", "Lonjakan selesai: perbaiki", "Jangan terima order baru dari app"):
        assert text in page
    assert "/runbooks/actions/pause_channel/?subject=app&amp;minutes=15&amp;message=Permintaan" in page
    assert '"/runbooks/actions/recheck_payment/"' in page  # it narrows: the form would take more
    assert "The spike is over" not in page


def test_a_run_is_begun_gone_through_and_followed(people: World, sari: Client) -> None:
    for _number in range(3):
        make_letter()
    answer = sari.post(f"/runbooks/{NAME}/runs/")
    guide = Guide.objects.get()
    assert answer.headers["Location"] == f"{address(guide)}#open-title"
    page = html(sari, address(guide))
    assert "Looked at: " in page
    assert "left</span>" in page
    for step, note in (("see", ""), ("broker", "3 nodes run"), ("restart", "done"), ("drain", "empty")):
        sari.post(address(guide, "done"), {"step": step, "note": note})
    watcher = people.client("agus")
    page = html(watcher, address(guide))
    assert "Would touch 3 dead letters; no money moves." in page
    assert "“3 nodes run”" in page
    assert "Sari Wulandari" in page
    assert "you see it move" in page
    assert "Plan it" not in page

    plan_page = sari.post(address(guide, "plan"), {"step": "replay"}).headers["Location"]
    plan = Plan.objects.get()
    assert plan_page == f"/runbooks/plans/{plan.code}/"
    assert "a step of a runbook: Message broker down" in html(sari, plan_page)
    sari.post(address(guide, "plan"), {"step": "replay"})
    assert Plan.objects.count() == 1
    fragment = watcher.get(address(guide), headers=HTMX)
    assert plan.code in fragment.content.decode()
    assert b"<html" not in fragment.content


def test_a_stale_page_and_a_double_click_move_nothing(sari: Client) -> None:
    guide = begin()
    for _click in range(3):
        sari.post(address(guide, "done"), {"step": "see"})
    assert GuideStep.objects.get(state="current").step == "broker"
    assert GuideEvent.objects.count() == 2
    assert "Somebody has moved it on" in html(sari, address(guide))


DEEDS = ["begin", "done", "skip", "plan", "again", "abandon"]


@pytest.mark.parametrize("who", ["dewi", "budi", "agus", "admin", "tono"])
def test_role_by_deed_whoever_may_not_changes_nothing(people: World, who: str) -> None:
    make_letter()
    guide = up_to_replay(begin())
    before = (GuideEvent.objects.count(), Guide.objects.count(), Plan.objects.count())
    client = people.client(who)
    for deed in DEEDS:
        url = f"/runbooks/{NAME}/runs/" if deed == "begin" else address(guide, deed)
        assert client.post(url, {"step": "replay", "note": "x"}).status_code == 403, deed
    assert (GuideEvent.objects.count(), Guide.objects.count(), Plan.objects.count()) == before
    assert GuideStep.objects.get(state="current").step == "replay"
    assert not OperatorAction.objects.exists()
    expected = 403 if who == "tono" else 200
    assert client.get(address(guide)).status_code == expected


def test_who_runs_runbooks_still_needs_the_right_of_the_action(people: World, sari: Client) -> None:
    guide = begin("payments-missing-at-ho")
    for step in ("see", "branch"):
        guiding.done(guide, step, Said(actor=SARI, note="seen"))
    guiding.skip(guide, "post", Said(actor=SARI, note="none"))
    assert "somebody who may has to plan it" in html(sari, address(guide))
    assert sari.post(address(guide, "plan"), {"step": "compare"}).status_code == 403
    assert not Plan.objects.exists()
    budi = people.client("budi")
    assert "Plan it" in html(budi, address(guide))
    assert "Done, next step" not in html(budi, address(guide))
    assert budi.post(address(guide, "done"), {"step": "compare", "note": "x"}).status_code == 403
    made = budi.post(address(guide, "plan"), {"step": "compare"})
    assert made.headers["Location"] == f"/runbooks/plans/{Plan.objects.get(proposer='user:budi').code}/"


def test_a_page_costs_the_same_for_one_subject_and_for_many(sari: Client, django_assert_max_num_queries: Any) -> None:
    for _number in range(30):
        make_letter()
    guide = up_to_replay(begin())
    with django_assert_max_num_queries(25):
        html(sari, address(guide))
    with django_assert_max_num_queries(14):
        html(sari, "/runbooks/library/")


def test_a_run_that_is_part_of_an_incident_is_on_its_timeline(sari: Client) -> None:
    make_letter()
    incident = opening.open_by_hand(
        title="UPG answers nothing", service="upg", failure="down", severity=Severity.P0, actor=SARI, reason="seen"
    )
    assert f"/runbooks/library/payment-processor-down/?incident={incident.code}" in html(
        sari, f"/incidents/{incident.code}/"
    )
    page = html(sari, f"/runbooks/library/{NAME}/?incident={incident.code}")
    assert f'name="incident" value="{incident.code}"' in page
    sari.post(f"/runbooks/{NAME}/runs/", {"incident": incident.code})
    guide = up_to_replay(Guide.objects.get())
    assert guide.incident_id == incident.pk
    sari.post(address(guide, "plan"), {"step": "replay"})
    assert IncidentPlan.objects.get().plan == Plan.objects.get()
    assert "Runbook Message broker down, broker: Done" in html(sari, f"/incidents/{incident.code}/")
    assert incident.code in html(sari, address(guide))
