"""The rights to act on a saga: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0004_limits_right"),)
    operations = (WRITE_ROLES,)
