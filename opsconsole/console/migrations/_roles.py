"""Groups and permissions from the table in `roles.py`: what the first migration writes and each change of it again."""

from typing import Final

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from opsconsole.console.roles import write_roles


def _write(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    write_roles(
        group=apps.get_model("auth", "Group"),
        permission=apps.get_model("auth", "Permission"),
        content_type=apps.get_model("contenttypes", "ContentType"),
    )


WRITE_ROLES: Final = migrations.RunPython(_write, migrations.RunPython.noop)
