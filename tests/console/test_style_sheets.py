"""Colours that can be read by everybody, layers in order, and vendored files that are what they say."""

import hashlib
import re
from itertools import combinations, product
from pathlib import Path

import pytest

from opsconsole.paths import PROJECT

STATIC = PROJECT / "opsconsole" / "console" / "static" / "console"
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", (STATIC / "css" / "tokens.css").read_text()))
TOKENS |= {
    name: f"{c}, {c}" for name, c in re.findall(r"--(on-p2): (#\w{6})", (STATIC / "css" / "tokens.css").read_text())
}
THEMES = {"light": 0, "dark": 1}
TONES = ("neutral", "active", "waiting", "attention", "failed", "done")
GROUNDS = ("canvas", "surface", "hover", "selected")


def _colour(name: str, theme: str) -> tuple[float, float, float]:
    value = TOKENS[name].split(", ")[THEMES[theme]].lstrip("#")
    red, green, blue = (int(value[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _contrast(one: str, other: str, theme: str) -> float:
    light, dark = sorted((_luminance(_colour(name, theme)) for name in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: tuple[float, float, float]) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), list(product(("text", "text-2", "text-3"), GROUNDS)))
def test_text_reads_on_every_ground(text: str, ground: str, theme: str) -> None:
    assert _contrast(text, ground, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", TONES)
def test_tone_reads_on_its_tint_and_its_mark_is_seen(tone: str, theme: str) -> None:
    assert _contrast(f"{tone}-text", f"{tone}-tint", theme) >= 4.5
    assert _contrast(f"{tone}-text", "surface", theme) >= 4.5
    assert _contrast(f"{tone}-mark", "surface", theme) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("priority", ["p0", "p1", "p2", "p3"])
def test_priorities_read(priority: str, theme: str) -> None:
    assert _contrast(f"on-{priority}", priority, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mark", "ground"), [("control", "surface"), ("focus", "surface"), ("focus", "canvas")])
def test_borders_and_focus_are_seen(mark: str, ground: str, theme: str) -> None:
    assert _contrast(mark, ground, theme) >= 3


# Machado, Oliveira, Fernandes 2009, severity 1.0, linear RGB.
SIGHTS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def _lab(colour: tuple[float, float, float], sight: str) -> tuple[float, float, float]:
    linear = [_linear(part) for part in colour]
    seen = [sum(w * p for w, p in zip(row, linear, strict=True)) for row in SIGHTS[sight]]
    r, g, b = (min(1.0, max(0.0, part)) for part in seen)
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", SIGHTS)
def test_marks_differ_for_every_kind_of_sight(sight: str, theme: str) -> None:
    labs = {tone: _lab(_colour(f"{tone}-mark", theme), sight) for tone in TONES}
    for one, other in combinations(TONES, 2):
        distance = sum((a - b) ** 2 for a, b in zip(labs[one], labs[other], strict=True)) ** 0.5
        assert distance >= 10, (one, other, distance)


def test_every_rule_is_in_a_layer_and_the_order_is_said_first() -> None:
    order = "@layer reset, tokens, base, layout, parts, adapt, util;"
    assert order in (STATIC / "css" / "reset.css").read_text()
    for sheet in (STATIC / "css").glob("*.css"):
        bare = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL).replace(order, "").strip()
        assert all(line.startswith(("@layer", " ", "}")) or not line for line in bare.splitlines()), sheet.name


def test_style_sheets_are_all_linked_and_short() -> None:
    head = (PROJECT / "templates" / "parts" / "head.html").read_text()
    sheets = sorted((STATIC / "css").glob("*.css"))
    assert set(re.findall(r"console/css/([\w]+\.css)", head)) == {sheet.name for sheet in sheets}
    assert [sheet.name for sheet in sheets if len(sheet.read_text().splitlines()) > 400] == []
    assert head.index("reset.css") < head.index("tokens.css")


def test_script_stays_small() -> None:
    budget = {"console.js": 230, "focus.js": 25, "toasts.js": 60}
    for name, lines in budget.items():
        assert len((STATIC / "js" / name).read_text().splitlines()) < lines, name


@pytest.mark.parametrize(
    "folder",
    [STATIC / "vendor" / "idiomorph", STATIC / "fonts", PROJECT / "tests" / "vendor" / "axe-core"],
    ids=lambda folder: folder.name,
)
def test_vendored_files_are_what_they_say_and_carry_their_licence(folder: Path) -> None:
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    licences = {"LICENSE", "OFL.txt"}
    files = {path.name for path in folder.iterdir()} - {"SHA256SUMS"} - licences
    assert set(sums) == files
    assert {path.name for path in folder.iterdir()} & licences
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_icons_carry_their_licence() -> None:
    assert "ISC License" in (STATIC / "icons" / "LICENSE-lucide.txt").read_text()
