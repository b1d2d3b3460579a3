from django.db import migrations

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):
    dependencies = [("console", "0002_rights_that_nothing_asks_for")]

    operations = [WRITE_ROLES]
