-- Where each order of one batch has to go. What an earlier import was told stays: a later file adds
-- facts and a later status, it does not rewrite times.

DELETE FROM import_walk;

INSERT INTO import_walk (order_id, goal, reach, times, sure, last_at, ending_at)
SELECT f.order_id, f.goal,
       CASE f.goal
           WHEN 'created' THEN 0 WHEN 'awaiting_payment' THEN 0 WHEN 'expired' THEN 0
           WHEN 'paid' THEN 1 WHEN 'booking' THEN 2 WHEN 'queued_for_dispatch' THEN 2
           WHEN 'active' THEN 3 WHEN 'completed' THEN 4
           WHEN 'failed' THEN CASE WHEN f.paid IS NULL THEN 0 ELSE 2 END
           ELSE CASE WHEN f.completed IS NOT NULL THEN 4 WHEN f.active IS NOT NULL THEN 3
                     WHEN f.booking IS NOT NULL THEN 2 WHEN f.paid IS NOT NULL THEN 1 ELSE 0 END
       END,
       ARRAY[coalesce(f.paid, f.booking, f.active, f.completed, f.last_at),
             coalesce(f.booking, f.active, f.completed, f.last_at),
             coalesce(f.active, f.completed, f.last_at),
             coalesce(f.completed, f.last_at)],
       ARRAY[f.paid IS NOT NULL, f.booking IS NOT NULL, f.active IS NOT NULL, f.completed IS NOT NULL],
       f.last_at, f.ending
FROM (
    SELECT t.*, greatest(t.created, t.paid, t.booking, t.active, t.completed, t.ending) AS last_at
    FROM (
        SELECT s.order_id, s.status AS goal,
               (k.facts ->> 'created')::timestamptz AS created,
               (k.facts ->> 'paid')::timestamptz AS paid,
               (k.facts ->> 'booking')::timestamptz AS booking,
               (k.facts ->> 'active')::timestamptz AS active,
               (k.facts ->> 'completed')::timestamptz AS completed,
               (k.facts ->> s.status)::timestamptz AS ending
        FROM import_order s, LATERAL (SELECT s.says || coalesce(s.had, '{}') AS facts) k
        WHERE s.batch = %(batch)s AND s.refused IS NULL AND s.had IS DISTINCT FROM s.says
    ) t
) f;

ANALYZE import_walk;
