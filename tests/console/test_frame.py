"""What surrounds every page: sections by right, alerts, a strict policy, no inline anything."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from opsconsole.console.frame import ALERTS, Alert
from tests.console.people import OUTSIDER, World

PAGES = [("/sign-in/", ""), ("/", "sari"), ("/rights/", "agus"), ("/_parts/", "admin"), ("/_parts/", "dewi")]
PAGES += [("/_parts/MRG-48175/", "admin"), ("/no/such/page/", "sari")]


def _page(people: World, path: str, who: str) -> str:
    client = people.client(who) if who else Client()
    return client.get(path).content.decode()


@pytest.fixture
def alerts() -> Iterator[list[Alert]]:
    """What the platform says is wrong, for the length of one test."""
    said: list[Alert] = []
    source = said.copy
    ALERTS.sources.append(source)
    yield said
    ALERTS.sources.remove(source)


@pytest.mark.parametrize(("path", "who"), PAGES)
def test_page_has_no_inline_script_style_or_handler(people: World, path: str, who: str) -> None:
    html = _page(people, path, who)
    assert re.findall(r"\sstyle=", html) == []
    assert re.findall(r"<style", html) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    assert re.findall(r"\son\w+=", html) == []
    assert re.findall(r"\shx-on", html) == []
    assert re.findall(r"(?:src|href)=\"https?:", html) == []


@pytest.mark.parametrize(("path", "who"), PAGES)
def test_page_has_language_title_one_main_and_a_way_past_the_top(people: World, path: str, who: str) -> None:
    html = _page(people, path, who)
    assert '<html lang="en"' in html
    assert re.search(r"<title>\S.* · opsconsole</title>", html)
    assert len(re.findall(r"<main[ >]", html)) == 1
    assert 'href="#main"' in html


def test_policy_allows_our_own_files_only(people: World) -> None:
    policy = people.client("sari").get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_htmx_may_not_evaluate_and_brings_no_style(people: World) -> None:
    html = _page(people, "/", "sari")
    assert '"allowEval": false' in html
    assert '"includeIndicatorStyles": false' in html
    assert '"historyCacheSize": 0' in html


def test_sections_follow_rights(people: World) -> None:
    assert 'aria-current="page">Overview</a>' in _page(people, "/", "sari")
    assert ">Overview</a>" not in re.sub(r"<main.*</main>", "", _page(people, "/rights/", OUTSIDER), flags=re.DOTALL)


def test_menu_shows_only_what_may_be_opened(people: World) -> None:
    assert "/_parts/" in _page(people, "/", "admin")
    assert "/_parts/" not in _page(people, "/", "sari")


def test_alerts_stand_under_the_top_bar_and_short_ones_in_it(people: World, alerts: list[Alert]) -> None:
    alerts.append(Alert(tone="failed", text="The <ticker> has not run", href="/x/", link="Machinery"))
    alerts.append(Alert(tone="failed", text="TPG breaker open", is_short=True))
    alerts.append(Alert(tone="failed", text="A feed is broken", href="/y/", link="Feeds", right="view_reconciliation"))
    client = people.client("sari")
    for html in (
        client.get("/").content.decode(),
        client.get("/_alerts/", headers={"HX-Request": "true"}).content.decode(),
    ):
        assert "The &lt;ticker&gt; has not run" in html
        assert 'class="badge" data-tone="failed"' in html
        assert html.count("TPG breaker open") == 1
        assert "A feed is broken" in html
    assert "A feed is broken" not in people.client("dewi").get("/").content.decode()


def test_page_that_does_not_exist_says_so_in_house_style(people: World) -> None:
    answer = people.client("sari").get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is no such page." in answer.content.decode()
