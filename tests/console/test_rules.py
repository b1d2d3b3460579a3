"""Deny by default: every address of the console has a rule, and the rule is what happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.functional import Promise

from opsconsole.console.access import PUBLIC, SIGNED_IN, rule_of
from opsconsole.console.roles import RIGHT_BY_CODENAME
from tests.console.people import OUTSIDER, World

PEOPLE = ("sari", "dewi", "budi", "agus", "admin", OUTSIDER)


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, address)
        else:
            yield address, entry


def _console_patterns() -> list[tuple[str, URLPattern]]:
    return [
        (address, entry)
        for address, entry in _patterns(get_resolver())
        if str(getattr(entry.callback, "__module__", "")).startswith("opsconsole.console")
    ]


CONSOLE = _console_patterns()


def _rule(entry: URLPattern) -> str:
    rule = rule_of(entry.callback)
    return rule.name if rule else ""


GUARDED_PAGES = [
    (f"/{address}", _rule(entry))
    for address, entry in CONSOLE
    if "<" not in address and _rule(entry) in RIGHT_BY_CODENAME
]


def test_the_console_is_there() -> None:
    assert len(CONSOLE) >= 6


@pytest.mark.parametrize(("address", "entry"), CONSOLE, ids=[address or "/" for address, _entry in CONSOLE])
def test_every_address_has_a_rule(address: str, entry: URLPattern) -> None:
    assert _rule(entry) in {PUBLIC, SIGNED_IN, *RIGHT_BY_CODENAME}, f"{address} has no rule"


@pytest.mark.parametrize(("path", "codename"), GUARDED_PAGES)
def test_page_opens_for_those_who_hold_the_right(people: World, path: str, codename: str) -> None:
    statuses = {who: people.client(who).get(path).status_code for who in PEOPLE}
    permission = RIGHT_BY_CODENAME[codename].permission
    # 405: an address that only takes POST was let through to say so
    right = {who: {200, 405} if people.users[who].has_perm(permission) else {403, 405} for who in PEOPLE}
    assert {who: status for who, status in statuses.items() if status not in right[who]} == {}


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "codename"), GUARDED_PAGES)
def test_nobody_gets_in_without_signing_in(path: str, codename: str) -> None:
    for answer in (Client().get(path), Client().post(path)):
        assert answer.status_code in {302, 405}
        if answer.status_code == 302:
            assert answer["Location"].startswith("/sign-in/?")


def test_refusal_says_who_may(people: World) -> None:
    answer = people.client("sari").get("/_parts/")
    assert answer.status_code == 403
    assert "Administrator" in answer.content.decode()


def test_refusal_of_a_fragment_is_a_toast_and_leaves_the_page(people: World) -> None:
    answer = people.client("dewi").get("/_parts/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert answer.content == b""
    assert "Administrator" in answer["HX-Trigger"]


@pytest.mark.django_db
def test_fragment_of_somebody_signed_out_sends_the_whole_page_to_sign_in() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/rights/?x=1"}
    answer = Client().get("/_alerts/", headers=headers)
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Frights%2F%3Fx%3D1"


def test_labels_of_rights_are_translated_lazily() -> None:
    labels: list[Any] = [right.label for right in RIGHT_BY_CODENAME.values()]
    assert all(isinstance(label, Promise) for label in labels)
