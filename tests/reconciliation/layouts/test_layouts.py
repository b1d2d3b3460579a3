"""Each gateway's report, in its own format with its own traps, becomes the lines it means."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.utils.translation import override

from orders.money import exponent
from reconciliation.layouts import BUILTIN, Layout, builtin, fit, told
from reconciliation.layouts.amounts import NotAnAmount, minor_units
from reconciliation.layouts.headers import AT_ONCE
from reconciliation.lines import Line
from reconciliation.reading import FileRefused, Problem, open_tables

Read = Callable[..., tuple[list[Line], dict[int, Problem], Any]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The lines, the refused rows by number, and the table, of a file of this text."""

    def read_it(layout: str | Layout, text: str | Path, *, currency: str = "IDR") -> Any:
        path = text if isinstance(text, Path) else tmp_path / "report.csv"
        if isinstance(text, str):
            path.write_text(text)
        lines: list[Line] = []
        refused: dict[int, Problem] = {}
        with open_tables(path) as tables:
            (fitted,) = fit(tables, builtin(layout) if isinstance(layout, str) else layout, currency=currency)
            for row, said in fitted.rows():
                if isinstance(said, Problem):
                    refused[row.number] = said
                else:
                    lines.extend(said)
            _the_same_at_once(path, fitted.layout, currency, lines, refused, fitted)
        return lines, refused, fitted

    return read_it


def _the_same_at_once(path: Path, layout: Layout, currency: str, lines: Any, refused: Any, one_by_one: Any) -> None:
    """Column by column, as loads read, comes to what row by row comes to; whatever else this file tests."""
    with open_tables(path) as tables:
        (fitted,) = fit(tables, layout, currency=currency)
        taken = list(fitted.blocks())
    assert [line for each in taken for line in each.lines] == lines
    assert {row.number: said for each in taken if each.refused for row, said in [each.refused]} == refused
    assert (fitted.claims, fitted.reader.sums) == (one_by_one.claims, one_by_one.reader.sums)


def short(lines: list[Line]) -> list[tuple[str, int, str, str]]:
    return [(line.kind, line.amount, line.currency, line.reference) for line in lines]


def codes(refused: dict[int, Problem]) -> dict[int, str]:
    return {number: problem.code for number, problem in refused.items()}


@pytest.mark.parametrize("name", BUILTIN)
def test_a_layout_survives_being_written_down(name: str) -> None:
    assert Layout.from_data(builtin(name).as_data()) == builtin(name)


MIDTRANS = """\
Order ID,Payment type,Currency,Amount,Transaction ID,Transaction status,Transaction time,Settlement time,Mdr amount
A-1,qris,IDR,150000.00,t-1,settlement,2026-11-20 10:00:00,2026-11-20 10:05:07,1050
A-2,credit_card,IDR,"1,250,000",t-2,capture,2026-11-20 23:59:59,,0
A-3,bank_transfer,IDR,50000,t-3,expire,2026-11-20 11:00:00,,
A-4,gopay,IDR,70000,t-4,refund,2026-11-20 12:00:00,2026-11-20 12:00:05,
A-5,gopay,IDR,80000,t-5,partial_refund,2026-11-20 12:00:00,2026-11-20 12:00:05,
A-6,gopay,IDR,80000.50,t-6,settlement,2026-11-20 12:00:00,2026-11-20 12:00:05,
A-7,gopay,IDR,150.000,t-7,settlement,2026-11-20 12:00:00,2026-11-20 12:00:05,
A-8,gopay,IDR,80000,t-8,vanished,2026-11-20 12:00:00,,
A-9,gopay,IDR,80000,t-9,settlement,20 Nov,,
Total,,,1350000
"""


_ODD = (
    "A-1,qris,IDR,100,t-1,pending,,2026-11-20 10:05:07,5", "A-1,qris,IDR,,t-1,settlement,,2026-11-20 10:05:07,0",
    "A-1,qris,IDR,100,t-1,refund,,2026-11-20 10:05:07,1", "A-1,qris,USD,1.50,t-1,settlement,,2026-11-20 10:05:07,0",
    ",qris,IDR,100,,settlement,,2026-11-20 10:05:07,0", "A-1,qris,IDR,0,t-1,settlement,,2026-11-20 10:05:07,0",
    "A-1,qris,IDR,100,t-1,settlement,2026-11-20 10:05:07,,0", "A-1,qris,IDR,100,t-1,settlement,,,0", "", "Total,,IDR,7",
    "A-1,qris,IDR,100,t-1,settlement,,2026-11-20 10:05:07", '"A-1",qris,IDR,100,t-1,deny,,2026-11-20 10:05:07,0',
    "A-1,qris,IDR,100,t\\1,settlement,,2026-11-20 10:05:07,0", "A-1,ü,IDR,١,t-1,settlement,,2026-11-20 10:05:07,0",
    "A-1,qris,IDR,.00,t-1,settlement,,2026-11-20 10:05:07,0", "A-1,qris,IDR,1.000,t,settlement,,2026-11-20 10:05:07,0",
    "A-1,qris,IDR,100,t-1,settlement,,2026-11-20 10:05:07,.00", "A-1,qris,IDR,100,t,settlement,,1985-11-20 10:05:07,0",
    "A-1,qris,IDR,100,t-1,settlement,,2026-11-20T10:05:07+01:00,0", "A-1,qris,IDR,100,t,settlement,,2026-13-01,0",
)  # fmt: skip


@pytest.mark.parametrize("odd", [*range(len(_ODD)), None])
def test_many_plain_rows_are_read_at_once_and_odd_ones_among_them_one_by_one(read: Read, odd: int | None) -> None:
    amounts = ("1000", "2500.00")
    rows = [
        f"A-{n},qris,IDR,{amounts[n % 2]},t-{n},settlement,,2026-11-20 10:05:07,{n % 3 or ''}" for n in range(AT_ONCE)
    ]
    rows += [_ODD[odd] if odd is not None else rows[0], *rows[:3]]
    lines, _refused, fitted = read("midtrans", "\n".join([MIDTRANS.splitlines()[0], *rows]))
    assert (
        fitted.reader.read_all(2, [row.split(",") for row in rows[:AT_ONCE]])
        == lines[: AT_ONCE + sum(1 for n in range(AT_ONCE) if n % 3)]
    )


def test_midtrans_rows_are_payments_fees_and_what_went_back(read: Read) -> None:
    lines, refused, table = read("midtrans", MIDTRANS)
    assert [(line.line, line.kind, line.amount, line.status, line.method) for line in lines] == [
        (2, "payment", 150_000, "settled", "qris"),
        (2, "fee", -1_050, "settled", "qris"),
        (3, "payment", 1_250_000, "settled", "card"),
        (4, "payment", 50_000, "void", "va"),
        (5, "payment", 70_000, "settled", "gopay"),
        (5, "refund", -70_000, "settled", "gopay"),
    ]
    assert codes(refused) == {
        6: "refund_amount",
        7: "decimals",
        8: "ambiguous_amount",
        9: "status",
        10: "time",
    }
    assert table.claims == [("IDR", 1_350_000)]


def test_midtrans_times_are_jakartas_and_the_settlement_goes_first(read: Read) -> None:
    lines, _refused, _table = read("midtrans", MIDTRANS)
    assert lines[0].occurred_at == datetime(2026, 11, 20, 3, 5, 7, tzinfo=UTC)
    assert lines[2].occurred_at == datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC)


def test_a_header_is_found_under_a_title_in_any_order_and_any_spelling(read: Read) -> None:
    header = "amount;CURRENCY;transaction_time;order id;Transaction Status"
    text = f"Report of Friday\n\n{header}\n5000;IDR;2026-11-20;A;Settlement\n"
    lines, refused, _table = read("midtrans", text)
    assert (short(lines), refused) == ([("payment", 5000, "IDR", "A")], {})


XENDIT = """\
Product ID,Transaction ID,Transaction Type,Line Type,Payment Channel,Reference,Currency,Amount,Balance,\
Debit or Credit,Created Date ISO,Time Zone
p-1,x-1,VA_PAYMENT,TRANSACTION,BCA,A-1,IDR,150000,150000,CREDIT,2026-11-20T03:05:07.123456Z,UTC
p-1,x-1,VA_PAYMENT,FEE,BCA,A-1,IDR,4000,146000,DEBIT,2026-11-20T03:05:07.123456Z,UTC
p-1,x-1,VA_PAYMENT,VAT,BCA,A-1,IDR,440,145560,DEBIT,2026-11-20T03:05:07.123456Z,UTC
p-2,x-2,EWALLET_REFUND,TRANSACTION,OVO,A-2,IDR,10000,135560,DEBIT,2026-11-20T03:06:00Z,UTC
p-3,x-3,DISBURSEMENT,TRANSACTION,BCA,D-1,IDR,100000,35560,DEBIT,2026-11-20T03:07:00Z,UTC
p-1,x-1,VA_PAYMENT,FEE_REVERSAL,BCA,A-1,IDR,4000,39560,CREDIT,2026-11-20T03:08:00Z,UTC
p-4,x-4,VA_PAYMENT,TRANSACTION,BCA,A-4,IDR,9000,39560,DEBIT,2026-11-20T03:08:00Z,UTC
p-5,x-5,LOTTERY,TRANSACTION,BCA,A-5,IDR,9000,39560,CREDIT,2026-11-20T03:08:00Z,UTC
p-6,x-6,VA_PAYMENT,TRANSACTION,BCA,A-6,IDR,9000,39560,SIDEWAYS,2026-11-20T03:08:00Z,UTC
"""


def test_a_xendit_payment_is_its_transaction_less_fee_and_tax(read: Read) -> None:
    lines, refused, _table = read("xendit", XENDIT)
    assert short(lines) == [
        ("payment", 150_000, "IDR", "A-1"),
        ("fee", -4_000, "IDR", "A-1"),
        ("fee", -440, "IDR", "A-1"),
        ("refund", -10_000, "IDR", "A-2"),
        ("payout", -100_000, "IDR", "D-1"),
        ("fee", 4_000, "IDR", "A-1"),
    ]
    assert sum(line.amount for line in lines) == 150_000 - 4_000 - 440 - 10_000 - 100_000 + 4_000
    assert codes(refused) == {8: "sign", 9: "kind", 10: "direction"}
    assert lines[0].external_reference == "p-1"
    assert lines[0].method == "va_bca"


def test_nicepay_statuses_are_numbers_and_times_are_digits(read: Read) -> None:
    text = (
        "tXid,referenceNo,amt,currency,transDt,transTm,payMethod,status,cancelAmt\n"
        "n-1,A-1,150000,IDR,20261120,100507,02,0,\n"
        "n-2,A-2,150000,IDR,20261120,100507,01,1,\n"
        "n-3,A-3,150000,,20261120,100507,01,2,50000\n"
        "n-4,A-4,150000,IDR,202611201,100507,01,0,\n"
    )
    lines, refused, _table = read("nicepay", text)
    assert short(lines) == [
        ("payment", 150_000, "IDR", "A-1"),
        ("payment", 150_000, "IDR", "A-2"),
        ("reversal", -150_000, "IDR", "A-2"),
        ("payment", 150_000, "IDR", "A-3"),
        ("refund", -50_000, "IDR", "A-3"),
    ]
    assert codes(refused) == {5: "time"}


@pytest.fixture
def nicepay_settlement(tmp_path: Path) -> Path:
    """Two header rows: a group's name stands once, over the first of its columns."""
    path = tmp_path / "settlement.xlsx"
    parts = ("Scheduled", "Hold On", "Hold Off", "Setoff", "Refund", "Confirmation Amount")
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "NICEPAY")
        sheet.write_row(2, 0, ["Brand", "I-MID", "Type", "Settlement Date", "Fee", "", "Settlement"])
        sheet.write_row(3, 4, ["Transaction", "VAT", *parts])
        sheet.write_row(
            4, 0, ["MRG", "MRG01", "VA", "2026-11-20", 4000, 440, 1_000_000, 100_000, 50_000, -10_000, 0, 940_000]
        )
        sheet.write_row(
            5, 0, ["MRG", "MRG01", "Card", "2026-11-20", 4000, 440, 1_000_000, 100_000, 50_000, 0, 0, 940_000]
        )
    return path


def test_nicepay_settlement_has_two_header_rows_and_must_add_up(read: Read, nicepay_settlement: Path) -> None:
    lines, refused, table = read("nicepay_settlement", nicepay_settlement)
    assert [(line.kind, line.amount, line.batch) for line in lines] == [
        ("payout", -940_000, "2026-11-20"),
        ("fee", -4_440, "2026-11-20"),
    ]
    assert codes(refused) == {6: "does_not_add_up"}
    assert told(refused[6]) == "Settlement Confirmation Amount is 940000, but its parts add up to 950000"
    assert table.header_row == 4


STRIPE = """\
net,fee,gross,currency,reporting_category,automatic_payout_id,charge_id,balance_transaction_id,created_utc,payment_metadata[order_id]
96.80,3.20,100.00,usd,charge,po_1,ch_1,txn_1,2026-11-20 03:05:07,A-1
-23.05,0.00,-23.05,usd,refund,po_1,ch_1,txn_2,2026-11-20 04:05:07,A-1
-73.75,0.00,-73.75,usd,payout,po_1,,txn_3,2026-11-21 00:00:00,
3.35,0.15,3.50,usd,charge,,ch_2,txn_4,2026-11-20 03:05:07,A-2
96.80,3.00,100.00,usd,charge,po_1,ch_3,txn_5,2026-11-20 03:05:07,A-3
"""


def test_stripe_rows_of_a_payout_tie_to_it_and_the_row_without_one_is_left_out(read: Read) -> None:
    lines, refused, _table = read("stripe", STRIPE)
    assert sum(line.amount for line in lines if line.batch == "po_1") == 0
    assert [line.amount for line in lines if not line.batch] == [350, -15]
    assert codes(refused) == {6: "does_not_add_up"}


ADYEN = """\
Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,Gross Currency,Gross Debit (GC),\
Gross Credit (GC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
8.1,A-1,visa,2026-07-01 00:30:00,CEST,Settled,EUR,,1.00,0.10,0.50,0.30,0.20,134
8.2,A-2,mc,2026-11-20 01:00:00,PST,Refunded,EUR,25.00,,,,,,134
8.3,A-3,mc,2026-11-20 01:00:00,+01:00,Chargeback,EUR,25.00,,,,,,134
8.4,A-4,mc,2026-11-20 01:00:00,CET,Settled,EUR,25.00,,,,,,134
8.5,A-5,mc,2026-11-20 01:00:00,CET,Settled,EUR,1.00,25.00,,,,,134
8.6,,,2026-11-20 01:00:00,CET,MerchantPayout,EUR,10.00,,,,,,134
8.7,A-7,mc,2026-11-20 01:00:00,Mars,Settled,EUR,,25.00,,,,,134
"""


def test_adyen_debits_and_credits_stand_in_two_columns_and_each_row_has_its_zone(read: Read) -> None:
    lines, refused, _table = read("adyen", ADYEN)
    assert [(line.kind, line.amount) for line in lines] == [
        ("payment", 100),
        ("fee", -110),  # a sale whose net is below zero
        ("refund", -2500),
        ("reversal", -2500),
        ("payout", -1000),
    ]
    assert codes(refused) == {5: "sign", 6: "both_columns", 8: "time_zone"}
    assert lines[0].occurred_at == datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    assert lines[2].occurred_at == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_dana_writes_cents(read: Read) -> None:
    text = "SETTLEMENT_TXN_ID;TXN_ID;TXN_TYPE;ACQUIREMENT_ID;MERCHANT_TXN_ID;SETTLE_DATE;TXN_AMOUNT;FEE_AMOUNT\n"
    text += "s1;t1;PAYMENT;a1;A-1;2026-11-20T10:05:07+07:00;15000000;\n"
    lines, _refused, _table = read(replace(builtin("dana"), amounts_in="minor"), text, currency="USD")
    assert [line.amount for line in lines] == [15_000_000]


def test_head_offices_ledger_reads_by_its_own_names_in_any_currency(read: Read) -> None:
    text = (
        "ledger_ref,order_id,line_no,account,price,freight,amount,currency,posted_at\n"
        "HO-1-1,o-1,1,acc,39.99,31.67,71.66,BRL,2016-10-18T13:14:51\n"
    )
    lines, refused, _table = read("ho", text)
    assert refused == {}
    assert lines[0].amount == 7166
    assert (lines[0].order_reference, lines[0].external_reference, lines[0].batch) == ("o-1", "HO-1-1", "")


GENERIC = """\
Tanggal;Jam;No Pesanan;Nominal;Biaya;Jenis;Metode
20/11/2026;10:05:07;A-1;Rp 1.250.000,00;8.750;Pembayaran QRIS;qris
20/11/2026;10:05:08;A-2;(50.000);;Refund;qris
20/11/2026;10:05:08;A-3;12.5;;Pembayaran;qris
"""


def test_an_indonesian_file_reads_by_header_name_once_its_marks_are_known(read: Read) -> None:
    layout = replace(builtin("generic"), decimal_mark=",", times=("%d/%m/%Y %H:%M:%S",))
    lines, refused, _table = read(layout, GENERIC)
    assert [(line.kind, line.amount, line.order_reference) for line in lines] == [
        ("payment", 1_250_000, "A-1"),
        ("fee", -8_750, "A-1"),
        ("refund", -50_000, "A-2"),
    ]
    assert codes(refused) == {4: "amount"}


def test_a_file_of_another_layout_is_refused_with_what_is_missing_and_what_is_there(read: Read) -> None:
    with pytest.raises(FileRefused) as caught:
        read("xendit", MIDTRANS)
    assert caught.value.problem.code == "header"
    assert caught.value.problem.facts["missing"] == "Reference / Product ID, Created Date ISO, Debit or Credit"
    assert "Mdr amount" in caught.value.problem.facts["found"]
    assert [field for field, _theirs in caught.value.problem.facts["lacks"]] == [
        "reference",
        "occurred_at",
        "direction",
    ]


def test_what_is_missing_is_named_as_the_form_names_it_in_the_readers_language(read: Read) -> None:
    """Also where the layout has no name for it, and of a row."""
    layout = replace(builtin("generic"), sign="direction")
    with pytest.raises(FileRefused) as caught:
        read(layout, "amount,date\n1,2026-11-20\n")
    with override("id"):
        said = told(caught.value.problem)
        assert "Debit atau kredit" in said
        assert "direction" not in said
        assert told(Problem("empty_field", {"field": "occurred_at"})) == "“Waktu pembayaran” kosong"
        assert "“Biaya”" in told(Problem("sign", {"text": "1", "kind": "fee"}))


def test_a_column_that_stands_twice_is_refused_where_it_is_used(read: Read) -> None:
    with pytest.raises(FileRefused) as caught:
        read("midtrans", "Order ID,Amount,Amount,Transaction time\nA,1,2,2026-11-20\n")
    assert caught.value.problem.code == "header_twice"


def test_cells_that_could_break_the_way_into_the_database_are_tidied(read: Read) -> None:
    lines, refused, _table = read("ho", 'entry_ref,amount,occurred_at\n"A\t\\N\n1",5000,2026-11-20\n')
    assert (refused, lines[0].reference) == ({}, "A \\N 1")


@pytest.mark.parametrize(
    ("text", "currency", "mark", "amount"),
    [
        ("150000", "IDR", ".", 150_000),
        ("150000.00", "IDR", ".", 150_000),
        ("1,250,000", "IDR", ".", 1_250_000),
        ("1.250.000", "IDR", ",", 1_250_000),
        ("150.000", "IDR", ",", 150_000),
        ("1.234,50", "BRL", ",", 123_450),
        ("Rp1.234", "IDR", ",", 1_234),
        ("IDR 150000", "IDR", ".", 150_000),
        ("−12.5", "USD", ".", -1_250),
        ("(12.50)", "USD", ".", -1_250),
        ("12.340000", "USD", ".", 1_234),
        ("1.234", "KWD", ".", 1_234),
        ("5", "JPY", ".", 5),
    ],
)
def test_a_sum_is_read_as_its_currency_and_mark_say(text: str, currency: str, mark: str, amount: int) -> None:
    assert minor_units(text, currency, mark=mark) == amount


@pytest.mark.parametrize(
    ("text", "currency", "mark", "code"),
    [
        ("", "IDR", ".", "amount"),
        ("=1+1", "IDR", ".", "amount"),
        ("1e5", "IDR", ".", "amount"),
        ("NaN", "IDR", ".", "amount"),
        ("٣٤", "IDR", ".", "amount"),
        ("1,5", "IDR", ".", "amount"),
        ("12.5", "IDR", ",", "amount"),
        ("1,25,000", "IDR", ".", "amount"),
        ("150.000", "IDR", ".", "ambiguous_amount"),
        ("1.500", "USD", ".", "ambiguous_amount"),
        ("1.5", "IDR", ".", "decimals"),
        ("99999999999999999999", "IDR", ".", "amount"),
        ("9999999999999999999", "IDR", ".", "large"),
    ],
)
def test_a_sum_that_is_unclear_is_refused_and_never_rounded(text: str, currency: str, mark: str, code: str) -> None:
    with pytest.raises(NotAnAmount) as caught:
        minor_units(text, currency, mark=mark)
    assert caught.value.problem.code == code


@pytest.mark.parametrize("currency", ["IDR", "USD", "KWD"])
def test_any_sum_comes_back_from_any_way_of_writing_it(currency: str) -> None:
    dice, digits = random.Random(currency), exponent(currency)
    for _ in range(300):
        amount = dice.randrange(10 ** dice.randrange(1, 16))
        whole, rest = divmod(amount, 10**digits)
        tail = f"{rest:0{digits}d}" if digits else "00"
        assert minor_units(f"{whole:,}.{tail}", currency) == amount
        assert minor_units(f"{whole:,}".replace(",", ".") + f",{tail}", currency, mark=",") == amount
