"""`manage.py import_orders`."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from orders.models import Order
from tests.orders.importing.files import ORDER_HEADER, PAYMENT_HEADER, order_line, write

pytestmark = pytest.mark.django_db


def run(folder: Path, *more: str, header: str = ORDER_HEADER) -> str:
    lines = [header, order_line("o-1", "CANCELLED"), order_line("=o-2", "VANISHED")]
    files = write(folder, {"orders.csv": lines, "payments.csv": [PAYMENT_HEADER]})
    out = StringIO()
    call_command(
        "import_orders",
        f"--orders={files['orders.csv']}",
        f"--payments={files['payments.csv']}",
        *more,
        stdout=out,
    )
    return out.getvalue()


def test_it_says_what_it_did_and_writes_the_report(tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.csv"
    said = run(tmp_path, f"--report={report}")
    assert said.startswith("1 new, 0 changed and 0 unchanged orders;")
    assert f"1 rows could not be read: {report}" in said
    header, row = report.read_text().splitlines()
    assert header == "file,row,reason,line"
    assert row.startswith("orders.csv,3,the mapping has no status “VANISHED”,")
    assert "'=o-2" in row
    assert run(tmp_path, f"--report={report}").startswith("0 new, 0 changed and 1 unchanged orders;")


def test_a_wrong_header_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"orders\.csv has no column") as refused:
        run(tmp_path, header="a,b,c")
    assert refused.value.returncode == 2
    assert not Order.objects.exists()


@pytest.mark.parametrize("more", ["--currency=RUPIAH", "--mapping=/no/such/file.toml"])
def test_a_wrong_argument_is_one_sentence_and_exit_code_2(tmp_path: Path, more: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(tmp_path, more)
    assert refused.value.returncode == 2
