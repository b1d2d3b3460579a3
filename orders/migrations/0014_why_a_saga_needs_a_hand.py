from django.db import migrations, models

from orders.guards import seed_edges

# What gave up before this column was there: the step that could not be undone says why.
_FILL = """
UPDATE orders_saga g SET cause = CASE WHEN EXISTS (
    SELECT FROM orders_step t WHERE t.saga_id = g.id AND t.state = 'undo_failed' AND t.last_error LIKE 'Refused(%')
    THEN 'undo_refused' ELSE 'undo_unanswered' END
WHERE g.state = 'needs_hand'
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0013_events_in_and_dead_letters")]

    operations = [
        migrations.AddField("saga", "cause", models.CharField(blank=True, db_default="", default="", max_length=24)),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        # A step that cannot be undone may be let stand.
        seed_edges(),
    ]
