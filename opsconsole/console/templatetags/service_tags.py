"""What the catalogue's files say of a service, in the reader's language."""

from django import template

from opsconsole.console.guide_words import is_indonesian
from runbooks.catalogue import Service

register = template.Library()


@register.filter
def fallback(service: Service) -> str:
    """What stands in for it."""
    found = service.protection
    return (is_indonesian() and found.fallback_id) or found.fallback


@register.filter
def recovery(service: Service) -> str:
    """How long it is known to be away."""
    found = service.recovery
    return (is_indonesian() and found.said_id) or found.said
