from django.db import migrations

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0021_goods")]

    operations = [run_sql_file("history.sql")]
