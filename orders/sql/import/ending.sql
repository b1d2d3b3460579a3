-- The orders of the batch that leave the ladder for %(target)s now.

DELETE FROM import_step;

INSERT INTO import_step (id, at)
SELECT o.id, greatest(o.entered_at, w.last_at)
FROM import_walk w JOIN orders_order o ON o.id = w.order_id
WHERE w.goal = %(target)s AND (w.ending_at IS NOT NULL) = %(sure)s AND o.state = ANY(%(sources)s);
