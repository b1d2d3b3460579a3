"""Heads of chains, kept where the database cannot reach."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from orders.models import History
from orders.services.verification import AnchorFiles, Kind, anchor_heads, verify_history
from orders.services.verification import anchors as module
from orders.services.verification.anchors import End
from orders.transitions import move
from tests.orders.history import tampering as t
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


def lines(folder: Path) -> list[str]:
    return [line for path in AnchorFiles(folder).files() for line in path.read_text().splitlines()]


def test_only_chains_that_changed_are_anchored_again(folder: Path) -> None:
    one, other = make_order("paid"), make_order("paid")
    assert anchor_heads(folder) == 2
    assert anchor_heads(folder) == 0
    move(one, "book", actor="worker")
    assert anchor_heads(folder) == 1
    heads = [head for line in lines(folder) for head in json.loads(line)["heads"]]
    assert [(order_id, seq) for order_id, seq, _mac in heads] == [(one.pk, 2), (other.pk, 2), (one.pk, 3)]
    assert heads[-1][2] == bytes(t.head_of(one).mac or b"").hex()
    assert verify_history(folder=folder).anchored == 3


def test_a_row_that_was_committed_late_is_anchored_all_the_same(folder: Path) -> None:
    anchor_heads(folder)
    make_order("paid")
    late = make_order("paid")
    anchor_heads(folder)
    t.sql("UPDATE orders_history SET recorded_at = recorded_at - interval '5 minutes' WHERE order_id = %s", late.pk)
    t.sql("UPDATE orders_chainhead SET seq = seq + 1 WHERE order_id = %s", late.pk)
    assert anchor_heads(folder) == 1


def test_a_month_goes_on_from_the_month_before(folder: Path) -> None:
    make_order("paid")
    files = AnchorFiles(folder)
    anchor_heads(folder)
    (this_month,) = files.files()
    this_month.rename(folder / "2001-01.jsonl")
    make_order("paid")
    anchor_heads(folder)
    assert [path.name for path in files.files()] == ["2001-01.jsonl", this_month.name]
    assert verify_history(folder=folder).intact


def test_many_heads_take_many_lines(folder: Path) -> None:
    t.sql(
        "INSERT INTO orders_chainhead (order_id, seq, mac) SELECT g, 1, '\\x00' FROM generate_series(1, %s) g",
        2 * module.LINE + 1,
    )
    assert anchor_heads(folder) == 2 * module.LINE + 1
    assert [len(json.loads(line)["heads"]) for line in lines(folder)] == [module.LINE, module.LINE, 1]
    assert AnchorFiles(folder).check().broken is None


def test_the_files_are_for_their_owner_only(folder: Path) -> None:
    make_order()
    anchor_heads(folder)
    (path,) = AnchorFiles(folder).files()
    assert path.stat().st_mode & 0o777 == 0o600


def edit_head(path: Path) -> None:
    rows = path.read_text().splitlines(keepends=True)
    body = json.loads(rows[1])
    body["heads"][0][1] += 1
    path.write_text("".join([rows[0], json.dumps(body) + "\n", *rows[2:]]))


def take_a_line_out(path: Path) -> None:
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([rows[0], *rows[2:]]))


def swap_lines(path: Path) -> None:
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([rows[0], rows[2], rows[1]]))


def write_nonsense(path: Path) -> None:
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([rows[0], "nonsense\n", *rows[2:]]))


def cut_the_end(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))


def delete_it(path: Path) -> None:
    path.unlink()


CASES: list[tuple[Callable[[Path], None], Kind, int]] = [
    (edit_head, Kind.ANCHOR_CHANGED, 2),
    (take_a_line_out, Kind.ANCHOR_CHANGED, 2),
    (swap_lines, Kind.ANCHOR_CHANGED, 2),
    (write_nonsense, Kind.ANCHOR_CHANGED, 2),
    (cut_the_end, Kind.ANCHOR_MISSING, 2),
    (delete_it, Kind.ANCHOR_MISSING, 1),
]


@pytest.mark.parametrize(("tamper", "kind", "line"), CASES, ids=[case[0].__name__ for case in CASES])
def test_the_files_cannot_be_changed_unnoticed(
    folder: Path, tamper: Callable[[Path], None], kind: Kind, line: int
) -> None:
    order = make_order()
    for verb in ("pay", "book", ""):
        anchor_heads(folder)
        if verb:
            move(order, verb, actor="worker")
    assert len(lines(folder)) == 3
    tamper(AnchorFiles(folder).files()[0])
    (broken,) = verify_history(folder=folder).breaks
    assert (broken.kind, broken.order_id, broken.facts["line"]) == (kind, None, line)
    assert f"ine {line}" in str(broken)


def test_another_key_cannot_write_a_line(folder: Path) -> None:
    make_order()
    anchor_heads(folder)
    forger = AnchorFiles(folder, key=t.OTHER_KEY)
    forger.append([(1, 1, "00")], after=forger.end(), upto=timezone.now())
    (broken,) = verify_history(folder=folder).breaks
    assert (broken.kind, broken.facts["line"]) == (Kind.ANCHOR_CHANGED, 2)


def test_a_line_cut_short_by_a_power_cut_is_no_tampering(folder: Path) -> None:
    order = make_order()
    anchor_heads(folder)
    (path,) = AnchorFiles(folder).files()
    with path.open("a") as file:
        file.write('{"line": 2, "at": "20')
    assert verify_history(folder=folder).intact
    move(order, "pay", actor="worker")
    assert anchor_heads(folder) == 1
    assert verify_history(folder=folder).intact
    assert len(lines(folder)) == 2


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
def test_the_end_is_found_from_behind(folder: Path, block: int) -> None:
    files = AnchorFiles(folder)
    end = End()
    with files.locked():
        for number in range(4):
            end = files.append([(number, 1, "ab")], after=end, upto=datetime(2026, 1, 1, tzinfo=UTC))
    (path,) = files.files()
    assert list(module._backwards(path, block=block)) == [line.encode() for line in lines(folder)[::-1]]
    assert files.end() == end


def test_anchoring_reads_only_what_is_new(folder: Path) -> None:
    make_order()
    anchor_heads(folder)
    t.sql("UPDATE orders_history SET recorded_at = recorded_at - interval '3 hours'")
    assert anchor_heads(folder) == 0
    assert History.objects.filter(recorded_at__lt=timezone.now() - timedelta(hours=2)).count() == 1
