-- What is odd about the orders of one batch. The names are those of docs/import.md.

DELETE FROM import_remark;

-- Facts of the order alone; only where this file told something new.
INSERT INTO import_remark (order_id, at, detail)
SELECT s.order_id, remark.at, jsonb_strip_nulls(jsonb_build_object(
           'kind', remark.kind, 'created_at', pg_temp.import_iso(s.created_at),
           'paid_at', pg_temp.import_iso(s.paid_at), 'active_at', pg_temp.import_iso(s.active_at),
           'completed_at', pg_temp.import_iso(s.completed_at),
           'promised_by', pg_temp.import_iso(s.promised_by)))
FROM import_order s JOIN import_walk w ON w.order_id = s.order_id
CROSS JOIN LATERAL (VALUES
    ('dispatched_before_created', s.active_at < s.created_at, s.active_at),
    ('dispatched_before_payment_approved', s.active_at < s.paid_at, s.active_at),
    ('dispatched_without_payment_approved', s.active_at IS NOT NULL AND s.paid_at IS NULL, s.active_at),
    ('completed_before_dispatched', s.completed_at < s.active_at, s.completed_at),
    ('completed_after_promise', s.completed_at > s.promised_by, s.completed_at),
    ('completed_status_without_completion_time', s.status = 'completed' AND s.completed_at IS NULL, w.last_at),
    ('completed_without_dispatch_time', s.status = 'completed' AND s.active_at IS NULL, w.last_at),
    ('completion_time_without_completed_status',
     s.completed_at IS NOT NULL AND s.status NOT IN ('completed', 'cancelled'), s.completed_at),
    ('cancelled_after_dispatch', s.status = 'cancelled' AND s.active_at IS NOT NULL, w.last_at),
    ('cancelled_after_completion', s.status = 'cancelled' AND s.completed_at IS NOT NULL, w.last_at),
    ('failed_after_dispatch', s.status = 'failed' AND s.active_at IS NOT NULL, w.last_at),
    ('expired_after_payment', s.status = 'expired' AND s.paid_at IS NOT NULL, w.last_at)
) AS remark (kind, holds, at)
WHERE s.batch = %(batch)s AND remark.holds;

-- Facts of the order and its money; also where only the payments told something new.
INSERT INTO import_remark (order_id, at, detail)
SELECT o.id, remark.at, jsonb_build_object(
           'kind', remark.kind, 'paid', money.paid, 'amount', o.amount, 'parts', money.parts)
FROM (SELECT order_id FROM import_walk
      UNION SELECT order_id FROM import_payment WHERE batch = %(batch)s AND is_new) touched
JOIN orders_order o ON o.id = touched.order_id
CROSS JOIN LATERAL (
    SELECT count(*) AS parts, coalesce(sum(a.amount) FILTER (WHERE a.state = 'paid'), 0) AS paid,
           coalesce(max(a.entered_at), o.placed_at) AS last_at
    FROM orders_attempt a WHERE a.order_id = o.id) money
LEFT JOIN (
    SELECT p.order_id, max(p.part) AS last FROM import_payment p
    WHERE p.batch = %(batch)s AND p.refused IS NULL GROUP BY 1) part ON part.order_id = o.id
CROSS JOIN LATERAL (VALUES
    ('payment_recorded_while_created',
     o.state IN ('created', 'awaiting_payment') AND money.paid > 0, money.last_at),
    ('payment_recorded_without_approval',
     o.state IN ('cancelled', 'failed', 'expired') AND money.paid > 0
     AND NOT o.notes #> '{imported,says}' ? 'paid', money.last_at),
    ('paid_without_payment', money.parts = 0 AND o.amount > 0
     AND o.state IN ('paid', 'booking', 'queued_for_dispatch', 'active', 'completed'), o.entered_at),
    ('paid_total_differs', money.paid > 0 AND money.paid <> o.amount, money.last_at),
    ('payment_part_missing', part.last > money.parts, money.last_at)
) AS remark (kind, holds, at)
WHERE remark.holds;
