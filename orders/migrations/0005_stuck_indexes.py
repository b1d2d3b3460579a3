from django.db import migrations

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_lists_of_channels")]

    operations = [run_sql_file("stuck.sql")]
