"""Reports on screen, as CSV and as spreadsheets; and the spreadsheet of breaks loaded back as proposals."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from reconciliation.models import Break, ReportFile
from reconciliation.queries.reports import REPORTS
from reconciliation.services import bridges, repairs, report_files
from reconciliation.services.runs import reconcile
from reconciliation.states import Resolution
from runbooks.models import Plan, ProposalFile
from tests.console.people import World
from tests.orders.making import make_order
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_bridges import DAY


@pytest.fixture(autouse=True)
def _stores(settings: Any, tmp_path: Path) -> None:
    settings.LOADS_DIR, settings.REPORTS_DIR = str(tmp_path / "loads"), str(tmp_path / "reports")


@pytest.fixture
def found(db: None) -> list[Break]:
    """Three payments that Head Office lacks; one of a taxi in Bandung, one with a name like a formula."""
    order = make_order("completed", amount=100_000, service="taxi", city="BDO")
    ours = [line(100_000, order=order.public_id, reference="=cmd()", source="midtrans", method="gopay")]
    ours += [line(70, order=name, reference=f"{name}-1", source="xendit", method="card") for name in "BC"]
    load_into(feed("ours", "ledger"), ours)
    load_into(feed("ho"), [])
    reconcile()
    bridges.refresh(DAY)
    return list(Break.objects.order_by("-exposure", "pk"))


def page(people: World, name: str, **query: str) -> Any:
    return people.client("agus").get(f"/reconciliation/reports/{name}/", query)


def table(people: World, name: str, **query: str) -> list[list[str]]:
    answer = people.client("agus").get(f"/reconciliation/reports/{name}.csv", query)
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def sheet(made: ReportFile, settings: Any) -> list[list[Any]]:
    path = Path(settings.REPORTS_DIR) / made.file
    return python_calamine.load_workbook(str(path)).get_sheet_by_index(0).to_python()


def test_every_report_opens_and_says_the_same_as_its_csv(people: World, found: list[Break]) -> None:
    for name, report in REPORTS.items():
        answer = page(people, name)
        rows = table(people, name)
        assert answer.status_code == 200
        assert rows[0] == [column.name for column in report.columns]
        assert len(answer.context["rows"]) == len(rows) - 1


def test_breaks_are_summed_by_age_gateway_method_service_and_region(people: World, found: list[Break]) -> None:
    assert table(people, "by-gateway")[1:] == [
        ["midtrans", "missing_in_ho", "1", "100000", "IDR"],
        ["xendit", "missing_in_ho", "2", "140", "IDR"],
    ]
    assert table(people, "by-service", service="taxi")[1:] == [["taxi", "missing_in_ho", "1", "100000", "IDR"]]
    assert page(people, "by-service", service="taxi").context["rows"][0][0] == ("Taxi", False)
    assert table(people, "by-region", gateway="midtrans")[1:] == [["BDO", "missing_in_ho", "1", "100000", "IDR"]]
    assert table(people, "by-method", method="card")[1][2:4] == ["2", "140"]
    assert table(people, "ageing")[1] == ["3-7", "missing_in_ho", "3", "100140", "IDR"]
    assert table(people, "ageing", last="2020-01-01")[1:] == []
    assert table(people, "daily")[1][:4] == [str(DAY), "open", "midtrans", "IDR"]


def test_write_offs_name_who_and_under_which_code(people: World, found: list[Break]) -> None:
    told = {"actor": "user:budi", "reason": "too small", "approver": "user:ratna", "code": "fee"}
    repairs.resolve(found[1].pk, Resolution.WRITTEN_OFF, **told)
    row = table(people, "write-offs")[1]
    assert row[1:] == ["B", "missing_in_ho", "fee", "user:budi", "user:ratna", "too small", "-70", "IDR"]


def test_a_spreadsheet_is_written_by_a_worker_fetched_by_its_owner_and_expires(
    people: World, found: list[Break], settings: Any
) -> None:
    client = people.client("budi")
    client.post("/reconciliation/reports/open-breaks/spreadsheet/", {"gateway": "midtrans"})
    made = ReportFile.objects.get()
    assert (made.state, made.actor, made.wanted["gateway"]) == ("waiting", "user:budi", "midtrans")
    assert report_files.work(made.pk) is not None
    assert report_files.work(made.pk) is None
    made.refresh_from_db()
    assert (made.state, made.rows) == ("done", 1)
    rows = sheet(made, settings)
    assert (rows[0][0], rows[0][-2:]) == ("break", ["repair", "code"])
    assert rows[1][4] == "=cmd()"  # as text: calamine reads formulas as their values
    assert rows[1][9:12] == [100_000.0, "", -100_000.0] or rows[1][9:12] == [100_000.0, 0.0, -100_000.0]
    assert f"files/{made.pk}/" in client.get("/reconciliation/reports/").content.decode()
    address = f"/reconciliation/reports/files/{made.pk}/"
    answer = client.get(address)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).startswith(b"PK")
    for close in answer._resource_closers:  # and not `close()`, which would end the test's own connection
        close()
    assert people.client("ratna").get(address).status_code == 404
    ReportFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert report_files.keep_up()["expired"] == 1
    assert client.get(address).status_code == 404
    assert not (Path(settings.REPORTS_DIR) / made.file).exists()


def filled_in(rows: list[list[Any]]) -> SimpleUploadedFile:
    """A spreadsheet as somebody would save it."""
    text = io.BytesIO()
    with xlsxwriter.Workbook(text, {"strings_to_formulas": False}) as book:
        first = book.add_worksheet()
        for number, row in enumerate(rows):
            first.write_row(number, 0, row)
    return SimpleUploadedFile("breaks.xlsx", text.getvalue())


def test_a_filled_in_spreadsheet_becomes_plans_and_each_refused_row_says_why(
    people: World, found: list[Break], settings: Any
) -> None:
    made = report_files.ask(
        "open-breaks", report_files.from_text({"first": str(DAY), "last": str(DAY)}), actor="user:budi"
    )
    report_files.work(made.pk)
    made.refresh_from_db()
    rows = sheet(made, settings)
    by_break = {int(row[0]): row for row in rows[1:]}
    by_break[found[1].pk][-2:] = ["write_off", "rounding"]
    by_break[found[2].pk][-2:] = ["write_off", "fee"]
    by_break[found[0].pk][-2:] = ["accept_timing", ""]
    wrong = [[*by_break[found[0].pk][:-2], "burn", ""], [999_999, *rows[1][1:-2], "write_off", "fee"]]
    moved = [*by_break[found[1].pk]]
    moved[11] = -71
    file = filled_in([rows[0], *by_break.values(), *wrong, moved, [*rows[1][:-2], "", ""]])
    answer = people.client("budi").post("/reconciliation/reports/proposals/", {"file": file})
    plans = {plan.action: plan for plan in Plan.objects.all()}
    assert {name: plan.eligible for name, plan in plans.items()} == {"write_off@1": 2, "accept_timing@1": 1}
    codes = {row.params["code"] for row in plans["write_off@1"].rows.all()}
    assert codes == {"rounding", "fee"}
    assert Break.objects.filter(state="open").count() == 3
    kept = ProposalFile.objects.get()
    assert answer["Location"] == f"/reconciliation/reports/proposals/{kept.pk}/"
    assert (kept.proposed, kept.refused, kept.unnamed, sorted(kept.plans)) == (
        *(3, 3, 1),
        sorted(plan.code for plan in plans.values()),
    )
    shown = people.client("agus").get(answer["Location"]).context["rows"]
    reasons = [why for _row, why in shown]
    repairs_there = "repost_break, refund_break, reverse_break, correct_break, accept_timing, write_off"
    assert reasons == [
        f"There is no repair “burn”: {repairs_there}.",
        "There is no such break.",
        "The same break stands further up.",
    ]
    csv_answer = people.client("agus").get(f"{answer['Location']}refused.csv")
    lines = list(csv.reader(io.StringIO(b"".join(csv_answer.streaming_content).decode())))
    assert lines[0] == ["row", "reason", "break", "difference", "repair", "code"]
    assert [line[1] for line in lines[1:]] == reasons
    assert [line[0] for line in lines[1:]] == [str(row.number) for row, _why in shown]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (SimpleUploadedFile("breaks.xlsx", b"no workbook"), "cannot be read as a spreadsheet"),
        (filled_in([["a", "b"], [1, 2]]), "no column break"),
    ],
    ids=["none", "another"],
)
def test_another_file_is_refused_as_a_whole(people: World, file: SimpleUploadedFile, said: str) -> None:
    answer = people.client("budi").post("/reconciliation/reports/proposals/", {"file": file})
    assert answer.status_code == 422
    assert said in answer.content.decode()


@pytest.mark.parametrize("who", ["sari", "agus", "admin"])
def test_only_finance_loads_proposals(people: World, who: str) -> None:
    assert people.client(who).post("/reconciliation/reports/proposals/", {}).status_code == 403


def test_days_of_a_report_are_of_the_books(people: World, found: list[Break]) -> None:
    assert page(people, "by-gateway", first="nonsense", last=str(DAY)).context["wanted"].last == DAY
    assert AT.date() <= DAY
    assert people.client("agus").get("/reconciliation/reports/nothing/").status_code == 404
