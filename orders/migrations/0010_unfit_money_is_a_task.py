from django.db import migrations

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_stuck_list_reads_one_index")]

    operations = [run_sql_file("stuck.sql"), run_sql_file("invariants.sql")]
