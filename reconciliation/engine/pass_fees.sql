-- What a gateway kept as its fee for a payment, held against what was agreed: the newest tariff of its way of paying (or of
-- all ways, where none names it) that is valid on the payment's business day, and of its steps the highest that the month's
-- payments before this one had reached. Refunds take nothing off a volume. A fee within the larger of the two tolerances,
-- bound included, stays excluded; another one goes into the pool as a break of its own. Nothing is said without a tariff, of
-- a payment that no fee names (it may be billed later), and of one that the gateway lists twice (that is a break already).

CREATE TEMP TABLE fee ON COMMIT DROP AS
WITH taken AS (
    SELECT reference, source, currency, -sum(amount) FILTER (WHERE kind = 'fee') AS taken,
           sum(amount) FILTER (WHERE kind = 'payment') AS paid,
           max(nullif(method, '')) FILTER (WHERE kind = 'payment') AS method,
           min(business_date) FILTER (WHERE kind = 'payment') AS day
    FROM reconciliation_entry
    WHERE %(pairing)s = 'gateway' AND side = 'gateway' AND counts_as IN (0, 4) AND kind IN ('payment', 'fee')
      AND reference <> '' AND source IN (SELECT gateway FROM tariff)
      AND (%(everything)s OR reference IN (SELECT key FROM scope))
    GROUP BY reference, source, currency
    HAVING count(*) FILTER (WHERE kind = 'fee') > 0 AND count(*) FILTER (WHERE kind = 'payment') = 1
),
known AS (
    SELECT t.*, coalesce(t.method, (
        SELECT o.method FROM reconciliation_entry o
        WHERE o.side = 'ours' AND o.reference = t.reference ORDER BY o.method DESC LIMIT 1), '') AS paid_by
    FROM taken t
),
-- What the gateways with steps had taken since the first of the month, before each payment: read only where there are steps.
paid AS (
    SELECT e.*, coalesce(nullif(e.method, ''), (
        SELECT o.method FROM reconciliation_entry o
        WHERE o.side = 'ours' AND o.reference = e.reference ORDER BY o.method DESC LIMIT 1), '') AS paid_by
    FROM reconciliation_entry e
    WHERE e.side = 'gateway' AND e.kind = 'payment' AND e.counts_as = 0
      AND e.source IN (SELECT gateway FROM tariff WHERE above > 0)
      AND e.business_date >= (SELECT date_trunc('month', min(day)) FROM known)
),
volume AS (
    SELECT reference, source, currency, sum(amount) OVER of_all - amount AS of_all,
           sum(amount) OVER of_one - amount AS of_one
    FROM paid
    WINDOW of_all AS (PARTITION BY source, currency, date_trunc('month', business_date)
                      ORDER BY occurred_at, reference, amount, mark),
           of_one AS (PARTITION BY source, currency, paid_by, date_trunc('month', business_date)
                      ORDER BY occurred_at, reference, amount, mark)
)
SELECT k.reference, k.source, k.currency, k.paid_by, k.taken, a.agreed,
       abs(k.taken - a.agreed) > greatest(a.within, coalesce(w.absolute, 0)) AS differs
FROM known k
LEFT JOIN volume v USING (reference, source, currency)
CROSS JOIN LATERAL (
    SELECT round(least(greatest(r.fixed + k.paid * r.percent / 10000.0, r.least), nullif(r.most, 0))
                 * (1 + r.vat / 10000.0))::bigint AS agreed, r.within
    FROM tariff r
    WHERE r.gateway = k.source AND r.currency = k.currency AND r.method IN ('', k.paid_by) AND r.valid_from <= k.day
      AND coalesce(r.above, 0) <= CASE r.method WHEN '' THEN coalesce(v.of_all, 0) ELSE coalesce(v.of_one, 0) END
    ORDER BY r.method DESC, r.valid_from DESC, coalesce(r.above, 0) DESC LIMIT 1) a
LEFT JOIN tolerance w ON w.currency = k.currency;

INSERT INTO pool (
    id, book, key, grp, currency, kind, amount, status, source, reference, external_reference, order_reference, batch, method,
    occurred_at, business_date, occurrence, outcome, rule,
    stake)
SELECT e.id, 'theirs', e.reference, concat_ws('~', '', 'fee', e.source, e.reference), e.currency, e.kind, e.amount, e.status,
       e.source, e.reference, e.external_reference, e.order_reference, e.batch, f.paid_by, e.occurred_at, e.business_date,
       e.occurrence, 'break', 'fee_differs',
       CASE WHEN row_number() OVER (PARTITION BY e.reference, e.source, e.currency ORDER BY e.id) = 1
            THEN f.agreed - f.taken ELSE 0 END
FROM fee f JOIN reconciliation_entry e ON e.side = 'gateway' AND e.reference = f.reference AND e.source = f.source
                                      AND e.currency = f.currency AND e.kind = 'fee' AND e.status = 'settled'
WHERE f.differs;
