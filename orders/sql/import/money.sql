-- What the paid attempts of one batch brought, and who owns the order now: the last that paid.

INSERT INTO orders_ledgerentry (order_id, attempt_id, kind, amount, currency, gateway, source_key, occurred_at)
SELECT a.order_id, a.id, 'charged', a.amount, a.currency, a.gateway, 'charge:' || a.reference, p.paid_at
FROM import_payment p JOIN orders_attempt a ON a.id = p.attempt_id
WHERE p.batch = %(batch)s AND p.refused IS NULL AND a.state = 'paid' AND a.amount > 0
ORDER BY a.order_id, a.number
ON CONFLICT (source_key) DO NOTHING;

UPDATE orders_order o
SET owning_attempt_id = latest.id, method = CASE WHEN o.method = '' THEN latest.method ELSE o.method END
FROM (SELECT DISTINCT ON (a.order_id) a.order_id, a.id, a.method
      FROM import_payment p JOIN orders_attempt a ON a.id = p.attempt_id
      WHERE p.batch = %(batch)s AND p.refused IS NULL AND a.state = 'paid'
      ORDER BY a.order_id, a.entered_at DESC, a.number DESC) latest
WHERE o.id = latest.order_id AND o.owning_attempt_id IS DISTINCT FROM latest.id
  AND (o.owning_attempt_id IS NULL OR EXISTS (
      SELECT FROM orders_attempt mine, orders_attempt theirs
      WHERE mine.id = latest.id AND theirs.id = o.owning_attempt_id
        AND mine.entered_at > theirs.entered_at));
