"""The rights on incidents: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0011_day_rights"),)
    operations = (WRITE_ROLES,)
