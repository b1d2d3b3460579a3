-- What a gateway pays out for a batch is what the lines of that batch add up to: payments, refunds and its own fees. A payout
-- that is another sum goes into the pool as a break of its own; one that agrees stays excluded. Head Office's book may name
-- the same payout; its line is held against the gateway's lines of that batch and is excluded where it agrees.
-- Judged are new payouts, those of batches with new lines, of the days asked for, and those that differed before.

CREATE TEMP TABLE payout ON COMMIT DROP AS
WITH looked_at AS (
    SELECT e.id, e.source, e.batch, e.currency, -e.amount AS paid_out
    FROM reconciliation_entry e
    WHERE e.kind = 'payout' AND e.batch <> '' AND e.status = 'settled'
      AND e.side = CASE %(pairing)s WHEN 'ho' THEN 'ho' ELSE 'gateway' END
      AND (%(everything)s OR e.id > %(after)s OR e.business_date BETWEEN %(from)s AND %(to)s
           OR (%(after)s IS NOT NULL AND EXISTS (
               SELECT FROM reconciliation_entry f WHERE f.side = 'gateway' AND f.batch = e.batch AND f.id > %(after)s))
           OR EXISTS (SELECT FROM reconciliation_break b WHERE b.pairing = %(pairing)s AND b.type = 'payout_differs'
                                                         AND b.state = 'open' AND e.id = ANY (b.theirs)))
),
lines AS (
    SELECT b.batch, l.source, l.currency, sum(l.amount) AS amount, max(l.occurred_at) AS last_at
    FROM (SELECT DISTINCT batch FROM looked_at) b
    JOIN reconciliation_entry l ON l.side = 'gateway' AND l.batch = b.batch AND l.batch <> ''
                               AND l.kind <> 'payout' AND l.status = 'settled'
    GROUP BY b.batch, l.source, l.currency
)
SELECT p.*, sum(p.paid_out) OVER w AS all_paid_out, coalesce(l.amount, 0) AS added_up,
       row_number() OVER (w ORDER BY p.id) AS nth,
       abs(sum(p.paid_out) OVER w - coalesce(l.amount, 0)) > t.absolute AS differs
FROM looked_at p
JOIN tolerance t USING (currency)
LEFT JOIN lines l ON l.batch = p.batch AND l.currency = p.currency AND (l.source = p.source OR %(pairing)s = 'ho')
WHERE %(pairing)s = 'gateway' OR l.batch IS NOT NULL  -- without the gateway's lines nothing can be said of it
WINDOW w AS (PARTITION BY p.source, p.batch, p.currency);

INSERT INTO pool (
    id, book, key, grp, currency, kind, amount, status, source, reference, external_reference, order_reference, batch, method,
    occurred_at, business_date, occurrence, outcome, rule,
    stake)
SELECT e.id, 'theirs', '', concat_ws('~', '', 'payout', e.source, e.batch), e.currency, e.kind, e.amount, e.status, e.source,
       e.reference, e.external_reference, e.order_reference, e.batch, e.method, e.occurred_at, e.business_date, e.occurrence,
       'break', 'payout_differs', CASE WHEN p.nth = 1 THEN p.all_paid_out - p.added_up ELSE 0 END
FROM payout p JOIN reconciliation_entry e USING (id)
WHERE p.differs AND %(pairing)s = 'gateway';

UPDATE pool e SET
    outcome = CASE WHEN p.differs THEN 'break' ELSE 'excluded' END,
    rule = CASE WHEN p.differs THEN 'payout_differs' ELSE 'own_fees' END,
    grp = concat_ws('~', '', 'payout', e.source, e.batch),
    stake = CASE WHEN p.differs AND p.nth = 1 THEN p.all_paid_out - p.added_up END
FROM payout p WHERE %(pairing)s = 'ho' AND e.book = 'theirs' AND e.id = p.id;
