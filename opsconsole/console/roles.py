"""Who may do what: the one table. Groups and permissions in the database are made from it.

A change here needs a migration that calls `write_roles` again (`migrations/_roles.py`); a test
compares the database with the table. Reading is granted widely, acting narrowly: whoever hands
out tokens (admin) moves no money, and whoever checks (auditor) changes nothing. Roles are given
on the server (`manage.py person`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

APP: Final = "console"


class Role(StrEnum):
    """Name of a group in the database."""

    ONCALL = "oncall"
    CS = "cs"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ADMIN = "admin"


ROLE_LABELS: Final[dict[Role, Promise]] = {
    Role.ONCALL: _("On-call"),
    Role.CS: _("Customer service"),
    Role.FINANCE: _("Finance"),
    Role.AUDITOR: _("Auditor"),
    Role.ADMIN: _("Administrator"),
}

ROLE_DUTIES: Final[dict[Role, Promise]] = {
    Role.ONCALL: _("Finds what hangs, frees it, runs runbooks"),
    Role.CS: _("Explains orders, makes links, dispatches"),
    Role.FINANCE: _("Reconciles, approves refunds, closes the day"),
    Role.AUDITOR: _("Sees everything, changes nothing"),
    Role.ADMIN: _("Tokens, limits and switches; moves no money"),
}

ONCALL, CS, FINANCE, AUDITOR, ADMIN = Role
EVERYONE: Final = frozenset(Role)


@dataclass(frozen=True)
class Right:
    """One named permission: what it allows, in words that complete "may …", and the roles that hold it."""

    codename: str
    label: Promise
    roles: frozenset[Role]

    @property
    def permission(self) -> str:
        return f"{APP}.{self.codename}"


def _right(codename: str, label: Promise, *roles: Role) -> Right:
    return Right(codename, label, frozenset(roles))


RIGHTS: Final[tuple[Right, ...]] = (
    _right("view_overview", _("see the overview"), *EVERYONE),
    _right("view_orders", _("see orders and what hangs"), *EVERYONE),
    _right("reveal_personal_data", _("see a customer's phone and email"), ONCALL, CS),
    _right("view_raw_messages", _("see raw messages of gateways"), ONCALL, FINANCE, AUDITOR),
    _right("export_orders", _("export a list of orders"), ONCALL, FINANCE, AUDITOR),
    _right("recheck_payment", _("re-check a payment"), ONCALL, CS, FINANCE),
    _right("make_link", _("make a payment link"), ONCALL, CS),
    _right("retry_booking", _("retry a booking"), ONCALL, CS),
    _right("dispatch_by_hand", _("dispatch a taxi by hand"), ONCALL, CS),
    _right("repost_ho", _("post a payment to Head Office again"), ONCALL, FINANCE),
    _right("cancel_order", _("cancel an order"), ONCALL, CS),
    _right("refund_order", _("refund an order"), ONCALL, CS, FINANCE),
    _right("approve_refund", _("approve a large refund"), FINANCE),
    _right("record_transfer", _("record a refund that was transferred by hand"), FINANCE),
    _right("retry_step", _("try a step of a saga again"), ONCALL, CS),
    _right("mark_step_done", _("mark a step of a saga as done, with evidence"), ONCALL, CS, FINANCE),
    _right("skip_step", _("let stand what a saga cannot undo"), ONCALL, FINANCE),
    _right("compensate_saga", _("undo a whole saga now"), ONCALL, CS),
    _right("hold_order", _("hold or release an order"), ONCALL, CS, FINANCE),
    _right("assign_order", _("assign an order to a person"), ONCALL, CS, FINANCE),
    _right("view_reconciliation", _("see reconciliation"), ONCALL, FINANCE, AUDITOR, ADMIN),
    _right("load_books", _("load files into the books"), FINANCE),
    _right("run_reconciliation", _("compare the books, and say when that happens by itself"), FINANCE),
    _right("work_breaks", _("take up breaks and cases, and note what is known of them"), ONCALL, FINANCE),
    _right("change_matching", _("change the rules of matching, and when feeds are due"), FINANCE),
    _right("close_days", _("sign, lock and reopen business days"), FINANCE),
    _right("propose_repair", _("propose a repair of the books"), FINANCE),
    _right("approve_repair", _("approve a repair of the books"), FINANCE),
    _right("view_runbooks", _("read runbooks"), *EVERYONE),
    _right("run_runbook", _("run a runbook"), ONCALL),
    _right("approve_plan", _("approve a plan of another person, and review what ran alone"), ONCALL, FINANCE),
    _right("break_glass", _("start a plan without its second person, in an emergency"), ONCALL),
    _right("stop_actions", _("stop actions, and let them go again"), ONCALL, FINANCE, ADMIN),
    _right("view_incidents", _("see incidents and alerts"), *EVERYONE),
    _right("lead_incidents", _("open, take, lead and end an incident"), ONCALL),
    _right("note_incidents", _("write a note into an incident"), ONCALL, CS, FINANCE),
    _right("tell_stakeholders", _("send a message to those who wait"), ONCALL, CS),
    _right("write_reviews", _("write a review and its action items"), ONCALL, FINANCE),
    _right("view_services", _("see services and their health"), *EVERYONE),
    _right("pause_channels", _("stop taking orders from a channel"), ONCALL, ADMIN),
    _right("notify_customers", _("send customers a message about trouble"), ONCALL, CS),
    _right("operate_breakers", _("open or close a circuit breaker"), ONCALL, ADMIN),
    _right("change_limits", _("change how long something may stay before it hangs"), ONCALL, ADMIN),
    _right("view_letters", _("see events that could not be used"), ONCALL, AUDITOR, ADMIN),
    _right("operate_letters", _("replay or discard an event that could not be used"), ONCALL),
    _right("view_access", _("see who may do what"), *EVERYONE),
    _right("view_tokens", _("see channel tokens"), AUDITOR, ADMIN),
    _right("manage_tokens", _("issue and revoke channel tokens"), ADMIN),
    _right("view_parts", _("see the catalogue of components"), ADMIN),
)

RIGHT_BY_CODENAME: Final[dict[str, Right]] = {right.codename: right for right in RIGHTS}


def roles_with(codename: str) -> list[Role]:
    """Roles that hold a right, in the table's order. KeyError for a right that is not in the table."""
    held = RIGHT_BY_CODENAME[codename].roles
    return [role for role in Role if role in held]


def roles_of(user: Any) -> list[Role]:
    """A person's roles in the table's order; groups that are no role are ignored."""
    names = set(user.groups.values_list("name", flat=True))
    return [role for role in Role if role.value in names]


def write_roles(*, group: Any, permission: Any, content_type: Any) -> None:
    """Makes the database say what the table says: groups, permissions, who holds which. Repeatable.

    Takes the models, so that a migration passes its historical ones.
    """
    home, _made = content_type.objects.get_or_create(app_label=APP, model="access")
    rows = {
        right.codename: permission.objects.update_or_create(
            content_type=home, codename=right.codename, defaults={"name": f"may {right.codename}"}
        )[0]
        for right in RIGHTS
    }
    permission.objects.filter(content_type=home).exclude(codename__in=rows).delete()
    for role in Role:
        group.objects.get_or_create(name=role.value)[0].permissions.set(_held_by(role, rows))


def _held_by(role: Role, rows: dict[str, Any]) -> Iterable[Any]:
    return [rows[right.codename] for right in RIGHTS if role in right.roles]
