"""Keeping what was put into service."""

from runbooks.hearing import Deployed
from runbooks.models import DeployNote


def keep(deployed: Deployed) -> DeployNote:
    """The note; the one already there when it was told before."""
    note, _is_new = DeployNote.objects.get_or_create(
        service=deployed.service,
        version=deployed.version,
        at=deployed.at,
        defaults={"actor": deployed.actor, "text": deployed.text},
    )
    return note
