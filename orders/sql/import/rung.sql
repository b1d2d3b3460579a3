-- The orders of the batch that take one rung now: %(rung)s of paid, booking, active, completed.
-- No state is entered before the one it follows; the goal carries the latest fact as its time.

DELETE FROM import_step;

INSERT INTO import_step (id, at)
SELECT o.id, greatest(o.entered_at, w.times[%(rung)s], CASE WHEN w.goal = %(target)s THEN w.last_at END)
FROM import_walk w JOIN orders_order o ON o.id = w.order_id
WHERE w.reach >= %(rung)s AND w.sure[%(rung)s] = %(sure)s AND o.state = ANY(%(sources)s);
