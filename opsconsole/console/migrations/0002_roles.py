"""Groups and permissions from the table in `roles.py`. A later change of the table calls the same again."""

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
    dependencies = (
        ("console", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    )
    operations = (migrations.RunPython(write, migrations.RunPython.noop),)
