from django.db import migrations

from orders.guards import run_sql_file, seed_edges


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        run_sql_file("history.sql"),
        run_sql_file("triggers.sql"),
        seed_edges(),
    ]
