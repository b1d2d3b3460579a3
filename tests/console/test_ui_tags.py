"""The small components: what they print, and that they escape."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.utils import translation

NOW = datetime(2026, 11, 20, 4, 42, 7, tzinfo=UTC)


def shown(source: str, **context: Any) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


def test_badge_says_the_state_in_words_with_the_glyph_of_its_tone() -> None:
    html = shown('{% badge "attempt" "unknown" %}')
    assert 'data-tone="attention"' in html
    assert "#g-attention" in html
    assert "Payment unknown" in html
    with translation.override("id"):
        assert "Pembayaran tak pasti" in shown('{% badge "attempt" "unknown" %}')


def test_badge_past_the_limit_asks_for_a_person() -> None:
    assert 'data-tone="active"' in shown('{% badge "order" "booking" %}')
    assert 'data-tone="attention"' in shown('{% badge "order" "booking" late=True %}')


@pytest.mark.parametrize(
    ("source", "context"),
    [
        ("{% pill text 'failed' %}", {}),
        ("{% owner text %}", {}),
        ("{% copyable text %}", {}),
        ("{% kbd text %}", {}),
        ("{% sparkline values text %}", {"values": [1, 2]}),
        ("{% bars values text %}", {"values": [1, 2]}),
    ],
)
def test_words_from_outside_are_escaped(source: str, context: dict[str, Any]) -> None:
    html = shown(source, text='"><script>alert(1)</script>', **context)
    assert "<script" not in html


def test_tone_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="pink"):
        shown("{% pill 'x' 'pink' %}")


@pytest.mark.parametrize(
    ("hours", "is_red"),
    [(1, False), (4, False), (5, True)],
)
def test_age_is_red_only_past_eight_limits(hours: int, *, is_red: bool) -> None:
    html = shown(
        "{% age since now=now limit=limit %}",
        since=NOW - timedelta(hours=hours),
        now=NOW,
        limit=timedelta(minutes=30),
    )
    assert ('class="age late"' in html) is is_red
    assert f"{hours}h 00m" in html
    assert "WIB" in html


def test_age_without_a_limit_is_never_red_and_without_a_beginning_is_a_dash() -> None:
    assert "late" not in shown("{% age since now=now %}", since=NOW - timedelta(days=9), now=NOW)
    assert "–" in shown("{% age since %}", since=None)


def test_unknown_money_is_a_dash_and_not_a_zero() -> None:
    assert shown("{{ amount|money }}", amount=None) == "–"
    assert shown("{{ amount|money:code }}", amount=13_623, code="BRL") == "BRL\u00a0136,23"


def test_sums_of_several_currencies_are_not_added() -> None:
    html = shown("{% moneys sums %}", sums=[(1000, "IDR"), (250, "BRL")])
    assert "Rp\u00a01.000" in html
    assert "BRL\u00a02,50" in html


def test_instant_carries_the_machine_readable_time() -> None:
    html = shown("{{ at|wib }}", at=NOW)
    assert 'datetime="2026-11-20T04:42:07Z"' in html
    assert "20 Nov 2026, 11:42:07 WIB</time>" in html


def test_owner_is_initials_for_the_eye_and_a_name_for_the_ear() -> None:
    html = shown('{% owner "Sari Wulandari" %}')
    assert 'aria-hidden="true">SW<' in html
    assert 'class="sr">Sari Wulandari<' in html
    assert "No owner" in shown("{% owner %}")


@pytest.mark.parametrize(("name", "letters"), [("Sari Wulandari", "SW"), ("agus", "AG"), ("A B C", "AB"), ("", "")])
def test_initials(name: str, letters: str) -> None:
    assert shown("{{ name|initials }}", name=name) == letters


def test_line_of_equal_values_lies_in_the_middle_and_of_one_value_is_nothing() -> None:
    assert "14.0" in shown("{% sparkline values 'x' %}", values=[5, 5, 5])
    assert shown("{% sparkline values 'x' %}", values=[5]) == ""


def test_bars_mark_what_is_over_the_limit() -> None:
    assert shown("{% bars values 'x' limit=3 %}", values=[1, 4, 2, 9]).count('class="over"') == 2
    assert shown("{% bars values 'x' %}", values=[]) == ""
    assert "over" not in shown("{% bars values 'x' %}", values=[0, 0])


@pytest.mark.parametrize(("share", "width"), [(0.62, "62.0"), (-1, "0.0"), (7, "100.0")])
def test_meter_stays_within_its_line(share: float, width: str) -> None:
    assert f'width="{width}"' in shown("{% meter share 'x' %}", share=share)


def test_no_component_carries_a_style_attribute() -> None:
    html = shown(
        "{% badge 'order' 'paid' %}{% sev 1 %}{% owner 'A B' %}"
        "{% sparkline v 'x' %}{% bars v 'x' %}{% meter 0.4 'x' %}",
        v=[1, 2, 3],
    )
    assert "style=" not in html
