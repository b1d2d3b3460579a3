from django.db import migrations, models

# Trips that are under way already are asked about at once: nobody knows how long they have been.
_ASK_ABOUT_THE_OLD_ONES = """
UPDATE orders_step s SET due_at = now() FROM orders_order o
WHERE o.id = s.order_id AND o.state = 'active' AND s.state = 'done' AND s.partner <> 'hand' AND s.due_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0022_an_edge_has_its_own_verb")]

    operations = [
        migrations.CreateModel(
            name="Trip",
            fields=[],
            options={"proxy": True, "base_manager_name": "objects", "indexes": [], "constraints": []},
            bases=("orders.step",),
        ),
        migrations.AddIndex(
            model_name="step",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("state", "done")),
                fields=["due_at"],
                name="step_trip_due",
            ),
        ),
        migrations.RunSQL(_ASK_ABOUT_THE_OLD_ONES, migrations.RunSQL.noop),
    ]
