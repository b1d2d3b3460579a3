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
),
money AS MATERIALIZED (SELECT * FROM line WHERE status = 'settled' AND kind <> 'payout'),
candidate AS (
    SELECT 1 AS rank, l.id AS line, o.id FROM money l
    JOIN reconciliation_entry o ON o.side = 'ours' AND o.order_reference = l.order_reference
    WHERE l.side = 'ho' AND l.order_reference <> ''
    UNION ALL
    SELECT 1, l.id, o.id FROM money l JOIN reconciliation_entry o ON o.side = 'ours' AND o.reference = l.reference
    WHERE l.side <> 'ours' AND l.reference <> ''
    UNION ALL
    SELECT 2, l.id, o.id FROM money l
    JOIN orders_attempt a ON a.gateway_reference = l.external_reference
    JOIN reconciliation_entry o ON o.side = 'ours' AND o.reference = a.reference
    WHERE l.side <> 'ours' AND l.external_reference <> ''
    UNION ALL
    SELECT 3, l.id, o.id FROM money l
    JOIN reconciliation_entry o ON o.side = 'ours' AND o.order_reference = l.order_reference AND o.kind = l.kind
                               AND o.amount = l.amount
    WHERE l.side = 'gateway' AND l.order_reference <> ''
),
home AS (
    SELECT DISTINCT ON (l.id) l.id AS line, o.source, o.order_reference, o.reference
    FROM candidate c JOIN money l ON l.id = c.line JOIN reconciliation_entry o ON o.id = c.id
    ORDER BY l.id, c.rank, o.currency = l.currency DESC, o.kind = l.kind DESC, o.amount = l.amount DESC, abs(o.amount) DESC,
             o.occurred_at, o.reference, o.id
)
SELECT l.id, l.side, l.kind, l.amount, l.currency, l.reference, l.external_reference, l.order_reference, l.occurred_at,
       l.occurrence, l.carried_from,
       CASE l.side WHEN 'ho' THEN coalesce(home.source, '') ELSE l.source END AS gateway,
       coalesce(home.order_reference, l.order_reference) AS order_key,
       coalesce(home.reference, l.reference) AS payment_key
FROM money l LEFT JOIN home ON home.line = l.id;

CREATE INDEX ON day_line (order_key);
CREATE INDEX ON day_line (payment_key);
ANALYZE day_line;
