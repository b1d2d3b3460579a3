"""What happened in a run of a runbook is never changed, whoever tries. The function is `orders/sql/history.sql`'s."""

from django.db import migrations

_TRIGGER = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON runbooks_guideevent
FOR EACH ROW EXECUTE FUNCTION opsconsole_append_only()
"""


class Migration(migrations.Migration):
    dependencies = (("runbooks", "0005_guides"),)
    operations = (
        migrations.RunSQL(_TRIGGER, "DROP TRIGGER IF EXISTS append_only ON runbooks_guideevent"),
    )
