"""The merged log: whole lines, each with its source."""

import io

from opsconsole.runner.output import LONGEST_LINE, Lines, Log


def test_lines_are_cut_where_they_end_however_they_arrive() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\nthree") == ["two"]
    assert lines.finish() == ["three"]
    assert lines.finish() == []


def test_a_line_without_end_is_passed_on_before_it_fills_the_memory() -> None:
    lines = Lines()
    assert lines.feed(b"x" * (LONGEST_LINE + 1)) == ["x" * (LONGEST_LINE + 1)]
    assert lines.rest == b""


def test_bytes_that_are_no_text_do_not_stop_the_log() -> None:
    assert Lines().feed(b"caf\xe9\n") == ["caf\ufffd"]


def test_every_line_names_its_source_without_colour_in_a_file() -> None:
    out = io.StringIO()
    log = Log(out=out, width=6)
    log.line("web", "hello")
    log.line("ticker", "tick")
    assert out.getvalue() == "web    | hello\nticker | tick\n"


def test_a_reader_that_has_gone_does_not_stop_the_run() -> None:
    out = io.StringIO()
    log = Log(out=out)
    out.close()
    log.line("web", "nobody reads this")
    log.line("web", "nor this")
    log.out.close()
