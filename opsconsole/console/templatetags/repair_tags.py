"""Which repairs a break, or the breaks of a case, can have."""

from collections.abc import Sequence

from django import template
from django.utils.functional import Promise

from opsconsole.console.repairs import offered
from reconciliation.states import WriteOff

register = template.Library()


@register.simple_tag
def repairs_of(type_: str, state: str, pairing: str) -> Sequence[tuple[str, str | Promise, bool]]:
    """Reference, name, and whether it asks for a code, of each repair."""
    return [
        (str(action), action.label, "code" in action.input.model_fields) for action in offered(type_, state, pairing)
    ]


@register.simple_tag
def write_off_codes() -> Sequence[tuple[str, str | Promise]]:
    return [(code.value, code.label) for code in WriteOff]
