-- The lines of one business day, in all three books: those of its date, without what came after it was closed, and with
-- what came late for closed days and was carried here. Only settled money counts; a payout moves it on to our bank, and is
-- nobody's payment. `home` is our line that a foreign line belongs to: it says whose gateway an entry of Head Office is,
-- and under which order and payment a line without a name of ours was matched.

DROP TABLE IF EXISTS pg_temp.day_line, pg_temp.day_step, pg_temp.day_unit, pg_temp.day_item;

CREATE TEMP TABLE day_line ON COMMIT DROP AS
WITH line AS (
    SELECT e.*, NULL::date AS carried_from FROM reconciliation_entry e
    WHERE e.side IN ('ours', 'gateway', 'ho') AND e.business_date = %(day)s AND e.id <= %(up_to)s
      AND NOT EXISTS (SELECT FROM reconciliation_carriedline c WHERE c.entry = e.id)
    UNION ALL
    SELECT e.*, c.from_day FROM reconciliation_carriedline c JOIN reconciliation_entry e ON e.id = c.entry
    WHERE c.to_day = %(day)s AND e.id <= %(up_to)s
)
SELECT l.id, l.side, l.kind, l.amount, l.currency, l.reference, l.external_reference, l.order_reference, l.occurred_at,
       l.occurrence, l.carried_from,
       CASE l.side WHEN 'ho' THEN coalesce(home.source, '') ELSE l.source END AS gateway,
       coalesce(home.order_reference, l.order_reference) AS order_key,
       coalesce(home.reference, l.reference) AS payment_key
FROM line l
LEFT JOIN LATERAL (
    SELECT found.* FROM (
        SELECT 1 AS rank, o.* FROM reconciliation_entry o
        WHERE l.side = 'ho' AND l.order_reference <> '' AND o.side = 'ours' AND o.order_reference = l.order_reference
        UNION ALL
        SELECT 1, o.* FROM reconciliation_entry o
        WHERE l.reference <> '' AND o.side = 'ours' AND o.reference = l.reference
        UNION ALL
        SELECT 2, o.* FROM orders_attempt a JOIN reconciliation_entry o ON o.side = 'ours' AND o.reference = a.reference
        WHERE l.external_reference <> '' AND a.gateway_reference = l.external_reference
        UNION ALL
        SELECT 3, o.* FROM reconciliation_entry o
        WHERE l.side = 'gateway' AND l.order_reference <> '' AND o.side = 'ours' AND o.order_reference = l.order_reference
          AND o.kind = l.kind AND o.amount = l.amount
    ) found
    ORDER BY rank, found.currency = l.currency DESC, found.kind = l.kind DESC, found.amount = l.amount DESC,
             abs(found.amount) DESC, found.occurred_at, found.reference, found.id
    LIMIT 1) home ON l.side <> 'ours'
WHERE l.status = 'settled' AND l.kind <> 'payout';

CREATE INDEX ON day_line (order_key);
CREATE INDEX ON day_line (payment_key);
ANALYZE day_line;
