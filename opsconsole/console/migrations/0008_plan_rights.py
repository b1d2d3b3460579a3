"""The rights to approve plans, to start one alone, and to stop actions: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0007_dispatch_right"),)
    operations = (WRITE_ROLES,)
