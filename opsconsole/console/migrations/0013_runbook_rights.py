"""The rights on channels and messages: the table in `roles.py`, written again."""

from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = (("console", "0012_incident_rights"),)
    operations = (WRITE_ROLES,)
