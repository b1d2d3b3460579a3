"""The right to change stuck limits: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0003_saved_views_and_bulks"),)
    operations = (WRITE_ROLES,)
