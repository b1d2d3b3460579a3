-- Births of the orders of one batch, each with the one item the file tells of.

UPDATE import_order s
SET says = jsonb_strip_nulls(jsonb_build_object(
    'status', s.status, 'amount', s.amount, 'currency', s.currency,
    'promised_by', pg_temp.import_iso(s.promised_by), 'created', pg_temp.import_iso(s.created_at),
    'paid', pg_temp.import_iso(s.paid_at), 'booking', pg_temp.import_iso(s.booking_at),
    'active', pg_temp.import_iso(s.active_at), 'completed', pg_temp.import_iso(s.completed_at),
    'cancelled', pg_temp.import_iso(s.cancelled_at), 'failed', pg_temp.import_iso(s.failed_at),
    'expired', pg_temp.import_iso(s.expired_at)))
WHERE s.batch = %(batch)s AND s.refused IS NULL;

-- An order that goes nowhere from `created` still carries its latest fact as its age.
INSERT INTO orders_order (
    state, entered_at, public_id, origin, channel, service, city, customer_id, customer_name,
    customer_phone, customer_email, amount, currency, method, promo_code, notes, placed_at,
    promised_by, hold_reason)
SELECT 'created',
       CASE WHEN s.status = 'created' THEN greatest(s.created_at, s.paid_at, s.booking_at, s.active_at,
            s.completed_at) ELSE s.created_at END,
       s.public_id, 'import', s.channel, s.service, s.city, s.customer_id, s.customer_name,
       s.customer_phone, s.customer_email, coalesce(s.amount, paid.total, 0), s.currency, s.method, '',
       jsonb_build_object('imported', jsonb_build_object('file', %(file)s, 'says', s.says)),
       s.created_at, s.promised_by, ''
FROM import_order s
LEFT JOIN LATERAL (
    SELECT sum(p.amount) AS total FROM import_payment p
    WHERE p.public_id = s.public_id AND p.status = 'paid' AND p.refused IS NULL) paid ON true
WHERE s.batch = %(batch)s AND s.refused IS NULL AND s.order_id IS NULL
ORDER BY s.line
ON CONFLICT (public_id) DO NOTHING;

UPDATE import_order s SET order_id = o.id, is_new = true
FROM orders_order o
WHERE o.public_id = s.public_id AND s.batch = %(batch)s AND s.refused IS NULL AND s.order_id IS NULL;

INSERT INTO orders_item (order_id, number, service, details, amount)
SELECT o.id, 1, o.service, '{}', o.amount
FROM import_order s JOIN orders_order o ON o.id = s.order_id
WHERE s.batch = %(batch)s AND s.is_new
ON CONFLICT DO NOTHING;
