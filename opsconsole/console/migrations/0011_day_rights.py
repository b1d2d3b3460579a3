"""The right to close days: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0010_reconciliation_rights"),)
    operations = (WRITE_ROLES,)
