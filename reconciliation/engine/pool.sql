-- The lines of the keys that stayed open. `grp` is what a break of this line is named by: its key, or else itself. How our
-- ledger names a fact says nothing to a gateway; how the gateway names the payment does. Fetched in the order of the keys, in
-- which the index and mostly the lines themselves lie: each page is read once.

WITH open_key AS MATERIALIZED (
    SELECT key, currency, ours_lines, theirs_lines FROM first_pass WHERE verdict = 'open' ORDER BY key, currency
)
INSERT INTO pool (
    id, book, key, grp, currency, kind, amount, status, source, reference, external_reference, order_reference, batch, method,
    occurred_at, business_date, occurrence)
SELECT e.id, 'ours', e.key, CASE WHEN e.key <> '' THEN e.key ELSE concat('~', e.external_reference, '~', e.occurrence) END,
       e.currency, e.kind, e.amount, e.status, e.source, e.reference, coalesce(a.gateway_reference, e.external_reference),
       e.order_reference, e.batch, e.method, e.occurred_at, e.business_date, e.occurrence
FROM open_key f JOIN ours e ON e.key = f.key AND e.currency = f.currency
LEFT JOIN orders_attempt a ON e.reference <> '' AND a.reference = e.reference
WHERE f.ours_lines > 0
UNION ALL
SELECT e.id, 'theirs', e.key,
       CASE WHEN e.key <> '' THEN e.key
            ELSE concat_ws('~', '', e.order_reference, e.external_reference, e.amount, extract(epoch FROM e.occurred_at),
                           e.occurrence) END,
       e.currency, e.kind, e.amount, e.status, e.source, e.reference, e.external_reference, e.order_reference, e.batch,
       e.method, e.occurred_at, e.business_date, e.occurrence
FROM open_key f JOIN theirs e ON e.key = f.key AND e.currency = f.currency
WHERE f.theirs_lines > 0;
