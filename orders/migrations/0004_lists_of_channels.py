from django.db import migrations

# For orders.queries.orders: a channel's list from any place, in its own order, however few of the
# rows are the channel's. The conditions are those of the queries, word by word, or PostgreSQL would
# not see that the index holds what is wanted.
OPEN = (
    "'created', 'awaiting_payment', 'paid', 'booking', 'queued_for_dispatch', 'active', 'paid_after_close'"
)
COLUMNS = "orders_order (channel, placed_at, id)"


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_who_had_it_undone")]

    operations = [
        migrations.RunSQL(
            f"CREATE INDEX order_active_list ON {COLUMNS} WHERE state IN ({OPEN})",
            "DROP INDEX order_active_list",
        ),
        migrations.RunSQL(
            f"CREATE INDEX order_history_list ON {COLUMNS} WHERE NOT (state IN ({OPEN}))",
            "DROP INDEX order_history_list",
        ),
    ]
