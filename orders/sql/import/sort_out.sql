-- What only the two files together, or the files and the database, can tell. Deals the rest into
-- batches: %(size)s orders each, a payment with its order.

CREATE INDEX ON import_order (public_id);
CREATE INDEX ON import_payment (public_id);
CREATE INDEX ON import_payment (payment_id);
ANALYZE import_order;
ANALYZE import_payment;

UPDATE import_order s SET refused = format(%(repeats)s, first.line)
FROM (SELECT public_id, min(line) AS line FROM import_order GROUP BY 1 HAVING count(*) > 1) first
WHERE s.public_id = first.public_id AND s.line > first.line;

UPDATE import_payment p SET refused = format(%(repeats)s, first.line)
FROM (SELECT payment_id, min(line) AS line FROM import_payment GROUP BY 1 HAVING count(*) > 1) first
WHERE p.payment_id = first.payment_id AND p.line > first.line;

UPDATE import_order s SET order_id = o.id, had = o.notes #> '{imported,says}',
       refused = CASE WHEN o.origin <> 'import' THEN %(ours)s END
FROM orders_order o WHERE o.public_id = s.public_id AND s.refused IS NULL;

UPDATE import_order s SET batch = dealt.batch
FROM (SELECT line, (row_number() OVER (ORDER BY line) - 1) / %(size)s AS batch
      FROM import_order WHERE refused IS NULL) dealt
WHERE s.line = dealt.line;

UPDATE import_payment p
SET batch = s.batch, refused = CASE WHEN p.currency <> s.currency
                               THEN format(%(currency)s, p.currency, s.currency) END
FROM import_order s
WHERE s.public_id = p.public_id AND s.refused IS NULL AND p.refused IS NULL;

-- A payment that came without its order: the order may be here from an earlier import.
UPDATE import_payment p
SET order_id = o.id, batch = 0, refused = CASE WHEN p.currency <> o.currency
                                          THEN format(%(currency)s, p.currency, o.currency) END
FROM orders_order o
WHERE o.public_id = p.public_id AND o.origin = 'import' AND p.batch IS NULL AND p.refused IS NULL;

UPDATE import_payment p SET refused = format(%(orphan)s, p.public_id)
WHERE p.batch IS NULL AND p.refused IS NULL;

UPDATE import_payment p
SET attempt_id = a.id, refused = CASE WHEN o.origin <> 'import' OR o.public_id <> p.public_id
                                 THEN %(taken)s END
FROM orders_attempt a JOIN orders_order o ON o.id = a.order_id
WHERE a.reference = p.payment_id AND p.refused IS NULL;

CREATE INDEX ON import_order (batch);
CREATE INDEX ON import_payment (batch);
