"""What machines wrote in English is told in Indonesian, and never half."""

import re

import pytest
from django.utils import translation

from opsconsole.paths import PROJECT
from orders.queries.phrases import TEMPLATES, retold


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("already paid", "Lunas"),
        ("midtrans says settlement/accept/200: now paid", "settlement/accept/200"),
        ("item 2: picked_up", "2"),
        ("no attempt MRG-9-1 here", "MRG-9-1"),
    ],
)
def test_a_known_sentence_is_told_in_the_readers_language(written: str, kept: str) -> None:
    with translation.override("id"):
        said = retold(written)
    assert said.is_known
    assert said.text != written
    assert kept in said.text
    assert "%(" not in said.text


def test_what_is_named_first_keeps_its_name() -> None:
    with translation.override("en"):
        assert retold("MRG-1-2: xendit says PAID: now paid").text == "MRG-1-2: Xendit says PAID: now Paid"
        assert retold("MRG-1: At HO").text == "MRG-1: At HO"


def test_several_parts_are_told_one_by_one() -> None:
    with translation.override("en"):
        said = retold("MRG-1-1: midtrans says 404: not paid yet; MRG-1-2: nothing there yet")
    assert said.text == "MRG-1-1: Midtrans says 404: not paid yet; MRG-1-2: nothing there yet"
    assert said.is_known


@pytest.mark.parametrize("foreign", ["ReadTimeout: timed out", "no_car refused by the sandbox", "already delicious"])
def test_other_peoples_words_stay_theirs(foreign: str) -> None:
    with translation.override("id"):
        said = retold(foreign)
    assert (said.text, said.is_known) == (foreign, False)


def test_who_said_foreign_words_is_named_all_the_same() -> None:
    with translation.override("en"):
        assert retold("rent: no_car sold out").text == "Rent partner: no_car sold out"


def test_nothing_is_told_as_nothing() -> None:
    assert retold("").is_known
    assert not retold("").text


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_translated_with_its_places(template: str) -> None:
    places = set(re.findall(r"%\(\w+\)s", template))
    with translation.override("id"):
        told = translation.gettext(template)
    assert told != template or template in SAME_IN_BOTH
    assert set(re.findall(r"%\(\w+\)s", told)) == places


SAME_IN_BOTH = ("item %(number)s: %(event)s", "status %(number)s")


def _verdict_sentences() -> list[str]:
    """Literal sentences of verdicts in the services that judge: each must be known here."""
    sources = "".join(
        (PROJECT / "orders" / "services" / f"{name}.py").read_text() for name in ("judging", "inquiry", "trips")
    )
    return re.findall(r'Verdict\(InboundVerb\.\w+, "([^"]+)"', sources)


def test_no_verdict_of_the_services_is_unknown_here() -> None:
    written = _verdict_sentences()
    assert len(written) >= 6
    with translation.override("en"):
        assert [sentence for sentence in written if not retold(sentence).is_known] == []


def test_a_time_limit_and_a_partners_code_are_told_in_words() -> None:
    with translation.override("en"):
        assert retold("not done within 0:05:00").text == "not done within 5 minutes"
        assert retold("rent: too_late refused by the sandbox").text == "Rent partner: too late for that"
    with translation.override("id"):
        assert retold("not done within 0:05:00").text == "tidak selesai dalam 5 menit"
        assert retold("no_courier").is_known
