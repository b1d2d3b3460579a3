from django.db import migrations, models
import django.db.models.functions.datetime
import django.utils.timezone

from orders.guards import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("orders", "0017_dispatch_by_hand")]

    operations = [
        migrations.CreateModel(
            name="MoneyWatch",
            fields=[
                ("order_id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "since",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now
                    ),
                ),
            ],
        ),
        run_sql_file("money.sql"),
    ]
