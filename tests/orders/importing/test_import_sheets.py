"""CSV files as other people write them."""

from pathlib import Path

import pytest

from orders.services.importing.mapping import Columns
from orders.services.importing.sheets import Line, SheetRefused, open_sheet

COLUMNS = Columns(of={"order_id": "id", "city": "city"}, demanded=frozenset({"order_id"}))


def read(path: Path, content: bytes) -> list[Line]:
    path.write_bytes(content)
    with open_sheet(path, COLUMNS) as sheet:
        return list(sheet.lines)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_any_usual_dialect_is_read(tmp_path: Path, delimiter: str, ending: str, encoding: str) -> None:
    rows = [("id", "city"), ("1", "São Paulo"), ("2", "Jakarta")]
    content = ending.join(delimiter.join(row) for row in rows).encode(encoding)
    lines = read(tmp_path / "o.csv", content)
    assert [(line.number, line.cells) for line in lines] == [
        (2, ["1", "São Paulo"]),
        (3, ["2", "Jakarta"]),
    ]


def test_a_quoted_line_break_is_one_record(tmp_path: Path) -> None:
    lines = read(tmp_path / "o.csv", b'id,city\n1,"Jakarta\nPusat"\n2,"say ""hi"""\n')
    assert [(line.number, line.cells) for line in lines] == [
        (2, ["1", "Jakarta\nPusat"]),
        (4, ["2", 'say "hi"']),
    ]


def test_a_stray_quote_costs_one_record_only(tmp_path: Path) -> None:
    many = b"".join(b"%d,Medan\n" % number for number in range(100))
    lines = read(tmp_path / "o.csv", b'id,city\n1,"Jakarta\n' + many)
    assert lines[0] == Line(2, '1,"Jakarta', None, "a quote is opened and never closed")
    assert [line.cells for line in lines[1:]] == [[str(n), "Medan"] for n in range(100)]
    assert lines[-1].number == 102


def test_a_record_of_another_width_says_so(tmp_path: Path) -> None:
    lines = read(tmp_path / "o.csv", b"id,city\n1\n\n2,Medan,extra\n3,Bali\n")
    assert [line.reason for line in lines] == [
        "it has 1 columns, the header has 2",
        "it has 3 columns, the header has 2",
        "",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"number,city\n1,Bali\n", r"o\.csv has no column id; its columns are: number, city\."),
        (b"", r"o\.csv has no column id"),
        (b"id,id\n", r"o\.csv has more than one column named id\."),
        ("id,city\n1,Bali".encode("utf-16"), r"o\.csv is neither UTF-8 nor Windows-1252 text\."),
        (b"id,city\n1,\x81\n", r"o\.csv is neither UTF-8 nor Windows-1252 text\."),
    ],
)
def test_a_file_that_cannot_be_taken_says_why(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(SheetRefused, match=sentence):
        read(tmp_path / "o.csv", content)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SheetRefused, match=r"gone\.csv cannot be read"), open_sheet(tmp_path / "gone.csv", COLUMNS):
        pass
