from django.db import migrations

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_stuck_samples")]

    operations = [run_sql_file("invariants.sql")]
