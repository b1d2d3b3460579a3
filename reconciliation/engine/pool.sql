-- The pool: the lines of the keys that the first pass leaves open. Each later pass settles some of them by writing `rule` (what
-- proved it) and `pair` (which lines belong together), the last one the rest. `stake` is the money to give back, where a
-- single book shows it. Rows without an id are the sums of what the first pass has settled; settled.sql takes them out.
-- `grp` is what a break of this line is named by: its key, or else itself. How our ledger names a fact says nothing to a
-- gateway; how the gateway names the payment does.

SELECT e.id, e.book, e.key, e.grp COLLATE "C" AS grp, coalesce(e.currency, f.currency) AS currency, e.kind, e.amount, e.status,
       e.source, e.reference, e.external_reference, e.order_reference, e.batch, e.method, e.occurred_at, e.business_date,
       e.occurrence, NULL::text AS outcome, NULL::text AS rule, NULL::text COLLATE "C" AS pair, NULL::bigint AS stake,
       NULL::text AS known,
       CASE WHEN e.id IS NULL THEN verdict END AS verdict, CASE WHEN e.id IS NULL THEN ours_lines END AS ours_lines,
       CASE WHEN e.id IS NULL THEN theirs_lines END AS theirs_lines,
       CASE WHEN e.id IS NULL THEN ours_amount END AS ours_amount,
       CASE WHEN e.id IS NULL THEN theirs_amount END AS theirs_amount
FROM first_pass f
LEFT JOIN LATERAL (
    SELECT e.id, 'ours' AS book, e.key,
           CASE WHEN e.key <> '' THEN e.key ELSE concat('~', e.external_reference, '~', e.occurrence) END AS grp,
           e.currency, e.kind, e.amount, e.status, e.source, e.reference,
           coalesce(a.gateway_reference, e.external_reference) COLLATE "C" AS external_reference,
           e.order_reference, e.batch, e.method, e.occurred_at, e.business_date, e.occurrence
    FROM ours e LEFT JOIN orders_attempt a ON e.reference <> '' AND a.reference = e.reference
    WHERE f.verdict = 'open' AND f.ours_lines > 0 AND e.key = f.key AND e.currency = f.currency
    UNION ALL
    SELECT e.id, 'theirs', e.key,
           CASE WHEN e.key <> '' THEN e.key
                ELSE concat_ws('~', '', e.order_reference, e.external_reference, e.amount, extract(epoch FROM e.occurred_at),
                               e.occurrence) END,
           e.currency, e.kind, e.amount, e.status, e.source, e.reference, e.external_reference, e.order_reference, e.batch,
           e.method, e.occurred_at, e.business_date, e.occurrence
    FROM theirs e
    WHERE f.verdict = 'open' AND f.theirs_lines > 0 AND e.key = f.key AND e.currency = f.currency) e ON true
