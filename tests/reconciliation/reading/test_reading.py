"""Files as other people make them become numbered rows, and hostile ones one sentence."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter

from reconciliation.reading import FileRefused, Limits, Row, open_tables
from reconciliation.reading.text import BLOCK

Written = Callable[[str, bytes], Path]
SMALL = replace(Limits(), file=5 << 20, unpacked=5 << 20, workbook=5 << 20, entries=5, line=10_000, cell=500)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def rows_of(path: Path, *, width: int | None = None) -> list[Row]:
    with open_tables(path, SMALL) as tables:
        for table in tables:
            table.width = width
        return [row for table in tables for row in table.rows()]


def cells_of(path: Path) -> list[list[str] | None]:
    return [row.cells for row in rows_of(path)]


def refusal_of(path: Path) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        rows_of(path)
    return caught.value


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_delimiter_and_any_line_ending_give_the_same_rows(written: Written, mark: str, ending: str) -> None:
    text = ending.join(mark.join(cells) for cells in (["id", "amount"], ["a", "1.5"], ["b", "2"]))
    assert cells_of(written("a.csv", text.encode())) == [["id", "amount"], ["a", "1.5"], ["b", "2"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_encoding_gives_the_same_rows(written: Written, encoding: str) -> None:
    path = written("a.csv", "id;name\n1;Café “Ö”\n".encode(encoding))
    assert cells_of(path) == [["id", "name"], ["1", "Café “Ö”"]]


def test_a_guessed_encoding_is_said(written: Written) -> None:
    with open_tables(written("a.csv", "id;name\n1;Café\n".encode("cp1252"))) as tables:
        assert [note.code for note in tables[0].notes] == ["windows_1252"]


def test_the_line_by_which_excel_names_the_delimiter_is_no_row(written: Written) -> None:
    rows = rows_of(written("a.csv", b"sep=;\nid;amount\n1;2,50\n"))
    assert [(row.number, row.cells) for row in rows] == [(2, ["id", "amount"]), (3, ["1", "2,50"])]


def test_numbers_are_lines_of_the_file_whatever_is_between(written: Written) -> None:
    rows = rows_of(written("a.csv", b'id,note\n\n1,"two\nlines"\n\n2,b\n'), width=2)
    assert [(row.number, row.cells) for row in rows] == [
        (1, ["id", "note"]),
        (3, ["1", "two\nlines"]),
        (6, ["2", "b"]),
    ]


def test_a_stray_quote_costs_one_row_and_not_the_rest(written: Written) -> None:
    rows = rows_of(written("a.csv", b'id,note\n1,"open\n2,b\n3,c\n'), width=2)
    assert [(row.number, row.cells and row.cells[0], row.problem and row.problem.code) for row in rows] == [
        (1, "id", None),
        (2, None, "open_quote"),
        (3, "2", None),
        (4, "3", None),
    ]


def test_two_stray_quotes_do_not_swallow_what_is_between(written: Written) -> None:
    rows = rows_of(written("a.csv", b'id,note\n1,"open\n2,b\n3,"c\n4,d\n'), width=2)
    assert [row.number for row in rows if row.problem] == [2, 4]
    assert [row.cells for row in rows if row.cells] == [["id", "note"], ["2", "b"], ["4", "d"]]


def test_rows_are_the_same_across_the_borders_of_blocks(written: Written) -> None:
    plain = [f"{at},{'x' * 90}" for at in range(2 * BLOCK // 100)]
    lines = ["id,note", *plain, '7,"over\ntwo lines"', *plain]
    path = written("a.csv", "\n".join(lines).encode())
    rows = rows_of(path, width=2)
    assert [row.cells for row in rows] == [
        line.split(",") if '"' not in line else ["7", "over\ntwo lines"] for line in lines
    ]
    assert rows[-1].number == len(lines) + 1


@pytest.mark.parametrize(
    ("_case", "line", "code"),
    [("a NUL", b"1,\0", "nul"), ("a long cell", b"1," + b"x" * 600, "long_cell")],
)
def test_a_hostile_row_is_put_aside_and_the_others_are_read(
    written: Written, _case: str, line: bytes, code: str
) -> None:
    rows = rows_of(written("a.csv", b"id,note\n" + line + b"\n2,b\n"))
    assert [row.problem and row.problem.code for row in rows] == [None, code, None]
    assert all("\0" not in row.raw for row in rows)


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _lying(content: bytes) -> bytes:
    """An archive that says its file unpacks to 100 bytes, in both places where it says so."""
    whole, size = bytearray(_zip({"a.csv": content})), len(content).to_bytes(4, "little")
    for _ in range(2):
        at = whole.index(size)
        whole[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(whole)


HOSTILE = [
    ("nothing", "a.csv", b"", "empty"),
    ("blanks", "a.csv", b"  \n", "empty"),
    ("a picture", "a.csv", b"\x89PNG\r\n\x1a\n" + b"x" * 50, "not_a_table"),
    ("UTF-16 without its mark", "a.csv", "id,amount\n1,2\n".encode("utf-16-le"), "binary"),
    ("bytes of no encoding", "a.csv", b"id\n\x81\x8d\xff\n", "encoding"),
    ("one endless cell", "a.csv", b"id\n" + b"x" * (2 * BLOCK), "long_line"),
    ("too large a file", "a.csv", b"id\n" * (2 << 20), "too_large"),
    ("a bomb", "a.zip", _zip({"a.csv": b"0" * (6 << 20)}), "unpacks_too_large"),
    ("a bomb that lies", "a.zip", _lying(b"0" * 123_456), "broken_archive"),
    ("an archive in an archive", "a.zip", _zip({"b.zip": _zip({"a.csv": b"id\n1\n"})}), "nested"),
    ("an archive under a false name in an archive", "a.zip", _zip({"b.csv": _zip({"a.csv": b"id\n1\n"})}), "nested"),
    ("too many files", "a.zip", _zip({f"{at}.csv": b"id\n1\n" for at in range(6)}), "too_many_entries"),
    ("an archive of nothing", "a.zip", _zip({"__MACOSX/a.csv": b"id\n"}), "no_table_inside"),
    ("half an archive", "a.zip", _zip({"a.csv": b"id\n1\n" * 500})[:60], "broken_archive"),
    ("a workbook that is none", "a.xlsx", _zip({"xl/workbook.xml": b"<nothing"}), "workbook"),
    ("a workbook that is a bomb", "a.xlsx", _zip({"xl/workbook.xml": b" " * (6 << 20)}), "unpacks_too_large"),
    ("half an old workbook", "a.xls", b"\xd0\xcf\x11\xe0" + b"x" * 600, "workbook"),
]


@pytest.mark.parametrize(("_case", "name", "content", "code"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_a_hostile_file_is_refused_by_one_sentence(
    written: Written, _case: str, name: str, content: bytes, code: str
) -> None:
    refusal = refusal_of(written(name, content))
    assert refusal.problem.code == code
    assert str(refusal).endswith((".", "…"))
    assert "%(" not in str(refusal)


def test_a_file_that_is_not_there_is_refused_by_one_sentence(tmp_path: Path) -> None:
    assert str(refusal_of(tmp_path / "none.csv")) == "The file cannot be read: No such file or directory."


def test_the_files_of_an_archive_are_read_one_after_the_other(written: Written) -> None:
    path = written("a.zip", _zip({"one.csv": b"id\n1\n", "__MACOSX/one.csv": b"junk", "two.csv": b"id\n2\n"}))
    with open_tables(path) as tables:
        assert [(table.name, [row.cells for row in table.rows()]) for table in tables] == [
            ("a.zip/one.csv", [["id"], ["1"]]),
            ("a.zip/two.csv", [["id"], ["2"]]),
        ]


def test_a_path_in_an_archive_leads_nowhere(written: Written, tmp_path: Path) -> None:
    assert cells_of(written("a.zip", _zip({"../../evil.csv": b"id\n1\n"}))) == [["id"], ["1"]]
    assert not (tmp_path.parent.parent / "evil.csv").exists()


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        when = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet("Settlement")
        sheet.write_row(1, 1, ["id", "amount", "at"])
        sheet.write_row(3, 1, ["A1", 150000])
        sheet.write_datetime(3, 3, datetime(2026, 11, 20, 10, 5, 7), when)  # noqa: DTZ001 - spreadsheets have no zone
        sheet.write_row(4, 1, ["A2", 61.62])
        sheet.write(5, 1, 1_234_567_890_123_456)
        book.add_worksheet("Empty")
    return path


def test_cells_of_a_workbook_read_as_a_person_would_have_typed_them(workbook: Path) -> None:
    rows = rows_of(workbook)
    assert [(row.number, row.cells) for row in rows[:3]] == [
        (2, ["id", "amount", "at"]),
        (4, ["A1", "150000", "2026-11-20 10:05:07"]),
        (5, ["A2", "61.62", ""]),
    ]


def test_a_number_that_the_spreadsheet_rounded_is_put_aside_with_its_cell(workbook: Path) -> None:
    last = rows_of(workbook)[-1]
    assert last.cells is None
    assert last.problem is not None
    assert last.problem.facts == {"cell": "B6"}


def test_that_a_sheet_has_formulas_is_said_and_their_last_value_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "amount"])
        sheet.write(1, 0, "A1")
        sheet.write_formula(1, 1, "=2*75000", value=150000)
    with open_tables(path) as tables:
        assert [note.code for note in tables[0].notes] == ["formulas"]
        assert [row.cells for row in tables[0].rows()] == [["id", "amount"], ["A1", "150000"]]
