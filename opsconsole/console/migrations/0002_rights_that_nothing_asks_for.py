"""Three rights that no page asked for are gone; people and their roles are made on the server (`manage.py person`)."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = [("console", "0001_squashed_0013_runbook_rights")]
    operations = [WRITE_ROLES]
