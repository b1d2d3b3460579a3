-- Our book: facts of the money ledger with an id above %(after)s that are not yet in it. The ledger only grows, and its
-- source keys are unique; a fact that was read before is found again by the book's own unique index.

INSERT INTO staged (
    line, kind, amount, currency, occurred_at, reference, external_reference, order_reference, batch, method, status,
    source)
SELECT row_number() OVER (ORDER BY l.id),
       CASE l.kind WHEN 'charged' THEN 'payment' WHEN 'refunded' THEN 'refund' WHEN 'reversed' THEN 'reversal'
                   ELSE 'adjustment' END,
       l.amount, l.currency, l.occurred_at, coalesce(a.reference, ''), left(l.source_key, 80), o.public_id, '',
       coalesce(a.method, ''), 'settled', l.gateway
FROM orders_ledgerentry l
JOIN orders_order o ON o.id = l.order_id
LEFT JOIN orders_attempt a ON a.id = l.attempt_id
WHERE l.id > %(after)s;
