"""The rights on channels and messages: the table in `roles.py`, written again."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from opsconsole.console.roles import write_roles


def write(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    write_roles(
        group=apps.get_model("auth", "Group"),
        permission=apps.get_model("auth", "Permission"),
        content_type=apps.get_model("contenttypes", "ContentType"),
    )


class Migration(migrations.Migration):
    dependencies = (("console", "0012_incident_rights"),)
    operations = (migrations.RunPython(write, migrations.RunPython.noop),)
