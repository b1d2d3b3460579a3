-- Births of the payment attempts of one batch: one per part.

UPDATE import_payment p SET order_id = s.order_id,
       paid_at = coalesce(p.paid_at, s.paid_at, s.created_at)
FROM import_order s
WHERE s.public_id = p.public_id AND s.refused IS NULL AND p.batch = %(batch)s AND p.refused IS NULL;

INSERT INTO orders_attempt (
    state, entered_at, order_id, number, gateway, method, amount, currency, reference,
    gateway_reference, link_url, answer, retryable)
SELECT 'requested', p.paid_at, p.order_id,
       before.number + row_number() OVER (PARTITION BY p.order_id ORDER BY p.part, p.payment_id),
       p.gateway, p.method, p.amount, p.currency, p.payment_id, '', '',
       CASE WHEN p.instalments > 1 THEN p.instalments || ' instalments' ELSE '' END, false
FROM import_payment p
CROSS JOIN LATERAL (
    SELECT coalesce(max(a.number), 0) AS number FROM orders_attempt a
    WHERE a.order_id = p.order_id) before
WHERE p.batch = %(batch)s AND p.refused IS NULL AND p.attempt_id IS NULL;

UPDATE import_payment p SET attempt_id = a.id, is_new = true
FROM orders_attempt a
WHERE a.reference = p.payment_id AND p.batch = %(batch)s AND p.refused IS NULL AND p.attempt_id IS NULL;
