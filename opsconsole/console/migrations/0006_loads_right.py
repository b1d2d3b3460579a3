"""The right to load files into the books: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0005_saga_rights"),)
    operations = (WRITE_ROLES,)
