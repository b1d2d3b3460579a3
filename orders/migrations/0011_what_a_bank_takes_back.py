from django.db import migrations

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_unfit_money_is_a_task")]

    operations = [run_sql_file("invariants.sql")]
