"""Layouts that finance saved, in versions that never change, beside the built-in ones."""

import re
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.layouts import BUILTIN, Layout, LayoutRefused, builtin
from reconciliation.models import LayoutVersion

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{1,38}", re.ASCII)
_MARK: Final = "@"


def names() -> list[str]:
    """Of every layout there is: saved ones, which finance made for its own files, before those built in."""
    saved = LayoutVersion.objects.values_list("name", flat=True).distinct().order_by("name")
    return [*saved, *(name for name in BUILTIN if name not in set(saved))]


def find(name: str) -> tuple[str, Layout]:
    """A layout by `name` (its newest version) or `name@number`, and its exact name. Raises LayoutRefused."""
    wanted, _mark, number = name.partition(_MARK)
    versions = LayoutVersion.objects.filter(name=wanted).order_by("-number")
    version = (versions.filter(number=number) if number.isdigit() else versions).first()
    if version is not None:
        return f"{version.name}{_MARK}{version.number}", Layout.from_data(version.data)
    if number or wanted not in BUILTIN:
        raise LayoutRefused("unknown_layout", name=name, known=", ".join(names()))
    return wanted, builtin(wanted)


@transaction.atomic
def save(name: str, layout: Layout, *, actor: str, note: str = "", expected: int | None = None) -> LayoutVersion:
    """The next version. Raises NotAllowed for an unfit name, or where somebody saved one since `expected`."""
    if not _NAME.fullmatch(name):
        raise NotAllowed(_("A name has 2 to 39 small letters, digits, hyphens or underscores."))
    newest = LayoutVersion.objects.filter(name=name).aggregate(newest=Max("number"))["newest"] or 0
    if expected is not None and expected != newest:
        raise NotAllowed(_("Somebody has saved another version meanwhile."))
    data: dict[str, Any] = layout.as_data()
    return LayoutVersion.objects.create(name=name, number=newest + 1, data=data, actor=actor, note=note[:400])
