"""Every state of every machine has a tone, a glyph and a short label in both languages."""

import re

import pytest
from django.utils import translation

from opsconsole.console.tones import TONES, Tone, label_of, tone_of
from opsconsole.paths import PROJECT
from orders import states
from orders.states import MACHINES, OrderState

SPRITE = (PROJECT / "opsconsole/console/static/console/icons/sprite.svg").read_text()
STATES = [(name, str(state)) for name, machine in MACHINES.items() for state in machine.states]
LONGEST_LABEL = 22


def test_every_machine_and_nothing_else_has_tones() -> None:
    assert {name: set(map(str, machine.states)) for name, machine in MACHINES.items()} == {
        name: set(map(str, tones)) for name, tones in TONES.items()
    }


def test_every_enum_of_states_belongs_to_a_machine() -> None:
    enums = {value for name, value in vars(states).items() if name.endswith("State") and isinstance(value, type)}
    assert enums == {machine.states for machine in MACHINES.values()}


@pytest.mark.parametrize(("machine", "state"), STATES)
def test_state_has_tone_glyph_and_short_labels(machine: str, state: str) -> None:
    assert f'id="g-{tone_of(machine, state)}"' in SPRITE
    for language in ("en", "id"):
        with translation.override(language):
            label = str(label_of(machine, state))
            assert 0 < len(label) <= LONGEST_LABEL, label
    with translation.override("id"):
        assert str(label_of(machine, state)) != ""


def test_no_two_states_of_a_machine_share_a_label() -> None:
    for language in ("en", "id"):
        with translation.override(language):
            for name, machine in MACHINES.items():
                labels = [str(label_of(name, state)) for state in machine.states]
                assert len(set(labels)) == len(labels), (language, name, labels)


@pytest.mark.parametrize("state", [OrderState.BOOKING, OrderState.AWAITING_PAYMENT, OrderState.PAID])
def test_past_its_limit_a_state_becomes_a_persons_move(state: str) -> None:
    assert tone_of("order", state) in {Tone.ACTIVE, Tone.WAITING}
    assert tone_of("order", state, is_late=True) == Tone.ATTENTION


@pytest.mark.parametrize(("machine", "state"), [("order", "failed"), ("refund", "failed"), ("order", "completed")])
def test_failed_and_done_stay_what_they_are(machine: str, state: str) -> None:
    assert tone_of(machine, state, is_late=True) == tone_of(machine, state)


@pytest.mark.parametrize(("machine", "state"), [("order", "lost"), ("driver", "paid")])
def test_unknown_states_are_an_error_not_a_guess(machine: str, state: str) -> None:
    with pytest.raises(KeyError):
        tone_of(machine, state)


def test_every_icon_of_a_template_is_in_the_sprite() -> None:
    used = {
        name
        for path in (PROJECT / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())
    }
    assert {name for name in used if f'id="i-{name}"' not in SPRITE} == set()
