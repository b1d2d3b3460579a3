-- Sums of a batch: one line of theirs for many payments of ours, or the other way round. Which batch a payment of ours went
-- into is known from its own line, or from the gateway's line of the same payment.

WITH batches AS (
    SELECT p.id, p.book, p.amount, p.currency, coalesce(nullif(p.batch, ''), g.batch, '') AS batch
    FROM pool p
    LEFT JOIN LATERAL (
        SELECT e.batch FROM reconciliation_entry e
        WHERE p.book = 'ours' AND p.batch = '' AND p.reference <> '' AND e.side = 'gateway' AND e.reference = p.reference
          AND e.kind = p.kind AND e.status = 'settled'
        ORDER BY e.id LIMIT 1) g ON true
    WHERE p.outcome IS NULL AND EXISTS (SELECT FROM pool b WHERE b.outcome IS NULL AND b.book = 'theirs' AND b.batch <> '')
),
sums AS (
    SELECT batch, currency, min(id) AS pair FROM batches WHERE batch <> ''
    GROUP BY batch, currency
    HAVING count(*) FILTER (WHERE book = 'ours') > 0 AND count(*) FILTER (WHERE book = 'theirs') > 0
       AND sum(amount) FILTER (WHERE book = 'ours') = sum(amount) FILTER (WHERE book = 'theirs')
)
UPDATE pool p SET outcome = 'matched', rule = 'batch', pair = s.pair
FROM batches b JOIN sums s USING (batch, currency) WHERE p.id = b.id;
