-- The lines of the keys that the first pass left open; each pass settles some of them by writing `rule` (what proved it) and
-- `pair` (the id of one of the lines that belong together), the last one the rest. `stake` is the money to give back, where a
-- single book shows it. `grp` is what a break of this line is named by: its key, or else itself. How our ledger names a fact
-- says nothing to a gateway; how the gateway names the payment does.
-- They are fetched in the order of the keys, in which the index and mostly the lines themselves lie: each page is read once.
-- Every pass asks for `outcome`: it stands first, so that no other column has to be read for it.

CREATE TEMP TABLE pool ON COMMIT DROP AS
SELECT NULL::text AS outcome, NULL::text AS rule, NULL::bigint AS pair, NULL::bigint AS stake, NULL::text AS known,
       e.id, e.amount, 'ours'::text AS book, e.key::text AS key, e.currency::text AS currency, e.kind::text AS kind,
       CASE WHEN e.key <> '' THEN e.key ELSE concat('~', e.external_reference, '~', e.occurrence) END COLLATE "C" AS grp,
       e.status::text AS status, e.source::text AS source, e.reference::text AS reference,
       coalesce(a.gateway_reference, e.external_reference)::text COLLATE "C" AS external_reference,
       e.order_reference::text AS order_reference, e.batch::text AS batch, e.method::text AS method, e.occurred_at,
       e.business_date, e.occurrence
FROM first_pass f JOIN ours e ON e.key = f.key AND e.currency = f.currency
LEFT JOIN orders_attempt a ON e.reference <> '' AND a.reference = e.reference
WHERE f.verdict = 'open' AND f.ours_lines > 0
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, e.id, e.amount, 'theirs', e.key, e.currency, e.kind,
       CASE WHEN e.key <> '' THEN e.key
            ELSE concat_ws('~', '', e.order_reference, e.external_reference, e.amount, extract(epoch FROM e.occurred_at),
                           e.occurrence) END COLLATE "C",
       e.status, e.source, e.reference, e.external_reference, e.order_reference, e.batch, e.method, e.occurred_at,
       e.business_date, e.occurrence
FROM first_pass f JOIN theirs e ON e.key = f.key AND e.currency = f.currency
WHERE f.verdict = 'open' AND f.theirs_lines > 0;
