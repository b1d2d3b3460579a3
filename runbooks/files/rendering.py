"""Runbooks as HTML: prose by CommonMark, without raw HTML; and whole pages that need nothing but a browser."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from string import Template
from typing import Final

from markdown_it import MarkdownIt

from runbooks.files.reading import SECTIONS, Book, Step

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1a1f24;background:#fff}
pre{background:#f3f5f7;padding:.75rem;overflow-x:auto;border-radius:6px}code{font-size:.9em}
.step{border-left:3px solid #2f6feb;padding-left:1rem;margin:1.5rem 0}.do{background:#eef4ff;padding:.5rem .75rem}
small{color:#4a5560}a{color:#1f5fd0}
@media(prefers-color-scheme:dark){body{background:#14181c;color:#e6eaee}pre{background:#1f252b}.do{background:#1b2a44}
small{color:#a9b4bf}a{color:#8ab4ff}}@media print{pre{white-space:pre-wrap}}
</style></head><body>$body</body></html>
""")


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def prose(text: str) -> str:
    """A piece of Markdown as HTML. Safe to show: raw HTML in it is escaped, addresses of scripts are dropped."""
    return str(_markdown().render(text))


def page_of(book: Book) -> str:
    """A whole runbook as one page that works without the console, without a network, and on paper."""
    front = book.front
    head = (
        f"<p><a href='index.html'>All runbooks</a></p><h1>{escape(front.title)}</h1>"
        f"<p><b>{escape(front.title_id)}</b></p><p>{escape(front.summary)}<br><small>{escape(front.summary_id)}</small></p>"
        f"<p><small>{front.severity} · {escape(front.service)} · {escape(front.owner)} · review by {front.review_by}"
        f" · {book.hash[:12]}</small></p>"
    )
    signs = "".join(f"<li>{escape(sign)}</li>" for sign in front.when)
    before = "".join(_section(book, name) for name in SECTIONS[:-1])
    steps = "".join(_step(number, step) for number, step in enumerate(book.steps, start=1))
    body = f"{head}<h2>When to use</h2><ul>{signs}</ul>{before}{steps}{_section(book, SECTIONS[-1])}"
    return _PAGE.substitute(title=escape(front.title), body=body)


def index_of(books: Sequence[Book]) -> str:
    """The list of all of them, the gravest first."""
    rows = "".join(
        f"<li><b>{book.front.severity}</b> <a href='{book.name}.html'>{escape(book.front.title)}</a> "
        f"<small>{escape(book.front.title_id)}</small><br>{escape(book.front.summary)}</li>"
        for book in sorted(books, key=lambda book: (book.front.severity, book.name))
    )
    return _PAGE.substitute(title="Runbooks", body=f"<h1>Runbooks</h1><ul>{rows}</ul>")


def pages(books: Sequence[Book]) -> Mapping[str, str]:
    """Every page by its file name."""
    return {"index.html": index_of(books), **{f"{book.name}.html": page_of(book) for book in books}}


def _section(book: Book, name: str) -> str:
    return f"<h2>{name}</h2>{prose(book.sections.get(name, ''))}"


def _step(number: int, step: Step) -> str:
    title = f"<h2>{number}. {escape(step.title)}</h2><p><small>{escape(step.spec.title_id)}</small></p>"
    return f"<div class='step' id='{step.id}'>{title}{prose(step.prose)}<p class='do'>{_by_hand(step)}</p></div>"


def _by_hand(step: Step) -> str:
    """What the step is when nobody can click it."""
    spec = step.spec
    if step.kind == "act":
        chosen = f" with {escape(str(spec.within))}" if spec.within else ""
        return (
            f"<b>Do</b> <code>{escape(spec.action)}</code> over <code>{escape(spec.select)}</code>{chosen}. "
            f"Undo: {escape(spec.undo)}. Right when <code>{escape(spec.verify.show)}</code> says "
            f"{escape(_wanted(spec.verify.expect))}."
        )
    if step.kind == "decide":
        ways = "".join(f"<br>· {escape(each.label)} → <a href='#{each.to}'>{each.to}</a>" for each in spec.choices)
        return f"<b>Decide</b>{ways}"
    if step.kind == "message":
        return f"<b>Tell {escape(spec.audience)}</b><br>{escape(spec.text)}<br><small>{escape(spec.text_id)}</small>"
    if step.kind == "wait":
        return f"<b>Wait</b> until <code>{escape(spec.show)}</code> says {escape(_wanted(spec.expect))}."
    if step.kind == "diagnose":
        wanted = _wanted(spec.expect)
        return f"<b>Look</b> at <code>{escape(spec.show)}</code>{f': {escape(wanted)}' if wanted else ''}."
    return "<b>Tick</b> and write down what you saw."


def _wanted(expect: Mapping[str, object]) -> str:
    told = []
    for key, bound in expect.items():
        least, most = getattr(bound, "min", None), getattr(bound, "max", None)
        told += [f"{key} ≥ {least:g}"] if least is not None else []
        told += [f"{key} ≤ {most:g}"] if most is not None else []
    return ", ".join(told)
