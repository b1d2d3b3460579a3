"""What surrounds every page: sections, alerts, the person's preferences. A context processor."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.console.preferences import Taste, taste_of
from opsconsole.console.roles import RIGHT_BY_CODENAME, ROLE_LABELS, Role


@dataclass(frozen=True)
class Section:
    """One entry of the top bar: shown when its page exists and the person may see it."""

    name: str
    label: Promise
    url_name: str
    right: str
    key: str


SECTIONS: Final = (
    Section("overview", _("Overview"), "overview", "view_overview", "g v"),
    Section("orders", _("Orders"), "stuck", "view_orders", "g o"),
    Section("reconciliation", _("Reconciliation"), "reconciliation", "view_reconciliation", "g c"),
    Section("runbooks", _("Runbooks"), "library", "view_runbooks", "g b"),
    Section("incidents", _("Incidents"), "incidents", "view_incidents", "g i"),
    Section("services", _("Services"), "services", "view_services", "g s"),
)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A line under the top bar (or, `is_short`, a badge in it): what is wrong with the platform now.

    `right`: shown to those only who hold it, because nobody else can follow its link or do anything about it.
    """

    tone: str
    text: str
    href: str = ""
    link: str = ""
    since: datetime | None = None
    is_short: bool = False
    right: str = ""


AlertSource = Callable[[], list[Alert]]


@dataclass
class AlertBoard:
    """Where parts of the product say what is wrong. A source must be quick: it is asked on every page."""

    sources: list[AlertSource] = field(default_factory=list)

    def read(self) -> list[Alert]:
        return [alert for source in self.sources for alert in source()]


ALERTS: Final = AlertBoard()


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. A signed-out page has the preferences and nothing else."""
    taste = taste_of(request)
    context: dict[str, Any] = {"taste": taste, "now": timezone.now(), "demo": is_demo()}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    alerts = [each for each in ALERTS.read() if not each.right or _may(user, each.right)]
    return {
        **context,
        "sections": _sections(user),
        "alerts": [alert for alert in alerts if not alert.is_short],
        "short_alerts": [alert for alert in alerts if alert.is_short],
        "role_labels": [ROLE_LABELS[Role(name)] for name in _group_names(request) if name in set(Role)],
    }


def is_demo() -> bool:
    return bool(getattr(settings, "DEMO", False))


def _sections(user: Any) -> list[tuple[Section, str]]:
    return [(section, url) for section in SECTIONS if (url := _address(section.url_name)) and _may(user, section.right)]


def _may(user: Any, right: str) -> bool:
    return bool(user.has_perm(RIGHT_BY_CODENAME[right].permission))


def _address(url_name: str) -> str:
    """Empty while the section's page does not exist yet."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _group_names(request: HttpRequest) -> list[str]:
    """Kept in the session at sign-in for display only; what a person may do is asked of the database."""
    return list(request.session.get("roles", ()))


__all__ = ["ALERTS", "Alert", "Section", "Taste", "frame"]
