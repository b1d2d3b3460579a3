"""The rights on dead letters: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0008_plan_rights"),)
    operations = (WRITE_ROLES,)
