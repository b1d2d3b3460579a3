"""The rights on runs, breaks and rules of matching: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0009_letter_rights"),)
    operations = (WRITE_ROLES,)
