"""The Indonesian catalogue is complete, fresh, and made of texts that a translator can find."""

import gettext
import io
from functools import cache
from pathlib import Path

import pytest
from django.test import Client

from opsconsole.console import catalogue
from opsconsole.console.catalogue import Message
from opsconsole.paths import PROJECT

FOLDER = PROJECT / "locale" / "id" / "LC_MESSAGES"
KNOWN = catalogue.read_po((FOLDER / "django.po").read_text())


@cache
def sources() -> dict[tuple[str, str], Message]:
    """Not at import: every process of the suite collects this file, and one reads every source for it."""
    return catalogue.found(PROJECT)


def test_every_text_has_a_translation() -> None:
    missing = [
        f"{message.files[0]}: {message.text!r}"
        for key, message in sources().items()
        if key not in KNOWN or not KNOWN[key].translation or KNOWN[key].is_fuzzy
    ]
    assert not missing, "run `manage.py translations` and fill in:\n" + "\n".join(missing)


def test_translations_keep_the_placeholders() -> None:
    wrong = [m.text for m in KNOWN.values() if m.translation and m.placeholders != m.translated_placeholders]
    assert wrong == []


def test_placeholders_have_names() -> None:
    assert [f"{m.files[0]}: {m.text!r}" for m in sources().values() if m.has_anonymous_placeholder] == []


def test_texts_are_not_put_together_before_translation() -> None:
    assert [f"{each.file}:{each.line}" for each in catalogue.put_together(PROJECT)] == []


def test_compiled_catalogue_is_fresh() -> None:
    compiled = gettext.GNUTranslations(io.BytesIO((FOLDER / "django.mo").read_bytes()))
    stale = [m.text for m in KNOWN.values() if m.translation and not m.context and not _says(compiled, m)]
    assert not stale, f"run `manage.py translations`: {stale}"


def test_dismissing_is_never_called_cancelling() -> None:
    assert KNOWN[("", "Keep orders")].translation == "Tidak jadi"


@pytest.mark.django_db
def test_page_speaks_indonesian() -> None:
    html = Client(headers={"Accept-Language": "id"}).get("/sign-in/").content.decode()
    assert "Masuk" in html
    assert "Sign in" not in html


def test_catalogue_survives_a_round_trip(tmp_path: Path) -> None:
    messages = [
        Message("", 'A "quoted" text\nof two lines', "", ("a.py",), 'Teks "berkutip"\ndua baris'),
        Message("verb", "Order", "", ("a.py",), "Pesan"),
        Message("", "%(n)d row", "%(n)d rows", ("b.html",), "%(n)d baris"),
        Message("", "unsure", "", ("b.html",), "ragu", is_fuzzy=True),
    ]
    read = catalogue.read_po(catalogue.written_po(messages))
    assert [(m.key, m.plural, m.translation, m.is_fuzzy) for m in read.values()] == [
        (m.key, m.plural, m.translation, m.is_fuzzy) for m in messages
    ]
    compiled = gettext.GNUTranslations(io.BytesIO(catalogue.compiled(messages)))
    assert compiled.pgettext("verb", "Order") == "Pesan"
    assert compiled.ngettext("%(n)d row", "%(n)d rows", 5) == "%(n)d baris"
    assert compiled.gettext("unsure") == "unsure"


def test_texts_are_found_in_python_and_templates(tmp_path: Path) -> None:
    (tmp_path / "opsconsole").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "opsconsole" / "a.py").write_text(
        "from django.utils.translation import gettext_lazy as _, ngettext, pgettext as p\n"
        "from elsewhere import gettext\n"
        '_("one")\nngettext("%(n)d row", "%(n)d rows", 2)\np("verb", "Order")\ngettext("not ours")\n_(f"bad {1}")\n'
    )
    (tmp_path / "templates" / "a.html").write_text(
        "{% load i18n %}{% translate 'two' %}{{ x|default:_(\"three (3)\") }}"
        "{% blocktranslate count n=n %}{{ n }} thing{% plural %}{{ n }} things{% endblocktranslate %}"
    )
    found = catalogue.found(tmp_path)
    texts = {("", "one"), ("", "%(n)d row"), ("verb", "Order"), ("", "two"), ("", "three (3)"), ("", "%(n)s thing")}
    assert set(found) == texts
    assert found["", "%(n)s thing"].plural == "%(n)s things"
    assert [(each.file, each.line) for each in catalogue.put_together(tmp_path)] == [("opsconsole/a.py", 7)]


@pytest.mark.parametrize(
    ("text", "is_anonymous"),
    [("%s left", True), ("{} left", True), ("{0} left", True), ("%(n)d left", False), ("100% sure", False)],
)
def test_anonymous_placeholders_are_seen(text: str, *, is_anonymous: bool) -> None:
    assert Message("", text).has_anonymous_placeholder is is_anonymous


def _says(compiled: gettext.GNUTranslations, message: Message) -> bool:
    if message.plural:
        return compiled.ngettext(message.text, message.plural, 1) == message.translation
    return compiled.gettext(message.text) == message.translation
