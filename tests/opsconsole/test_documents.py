"""What documents name is there: pages and headings they lead to, commands, the index of decisions."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from opsconsole.paths import PROJECT

DOCS = PROJECT / "docs"
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
OF_MANAGE = {"bootstrap", "help"}  # seen to before Django, or by Django itself


def links(page: Path) -> list[tuple[str, str]]:
    """(file, heading) of each link that stays in the project; no file: the page itself."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text())
    return [(file, heading) for file, heading in found if file or heading]


def headings(page: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    told = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in told}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for file, heading in links(page):
        target = (page.parent / file) if file else page
        if not target.exists() or (heading and heading not in headings(target)):
            lost.append(f"{file}#{heading}")
    assert lost == []


def test_every_command_that_a_document_names_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"manage\.py ([a-z_0-9]+)", page.read_text())}
    assert len(named) > 20
    assert named - set(get_commands()) - OF_MANAGE == set()


def test_the_index_of_decisions_has_every_page_with_its_title() -> None:
    index = (DOCS / "adr" / "README.md").read_text()
    pages = sorted((DOCS / "adr").glob("[0-9]*.md"))
    titles = [(page, page.read_text().splitlines()[0].removeprefix(f"# {page.name[:4]} ")) for page in pages]
    assert re.findall(r"^- .+$", index, re.MULTILINE) == [
        f"- [{page.name[:4]}]({page.name}) {title}" for page, title in titles
    ]
