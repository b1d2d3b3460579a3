-- What changed since line %(after)s: the keys of new lines, and keys whose lines still wait. A line without a name may turn
-- out to be the look-alike of anything that is open on its day, so these are looked at again as well, and so is what was
-- ambiguous. Lines without a key are one pool.

INSERT INTO scope
WITH fresh AS (
    SELECT key, business_date FROM all_ours WHERE id > %(after)s
    UNION ALL
    SELECT key, business_date FROM all_theirs WHERE id > %(after)s
),
days AS (
    SELECT business_date FROM fresh UNION SELECT business_date FROM all_theirs WHERE key = ''
),
ambiguous AS (
    SELECT unnest(ours || theirs) AS id FROM reconciliation_break
    WHERE pairing = %(pairing)s AND type = 'ambiguous' AND state = 'open'
)
SELECT key FROM fresh
UNION
SELECT reference FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'gateway' AND kind = 'fee' AND reference <> '' AND id > %(after)s
UNION
-- A new payment moves the volume of those after it in its month, where a gateway's fees go by steps of it.
SELECT e.reference
FROM (SELECT source, date_trunc('month', business_date) AS month, min(occurred_at) AS since FROM all_theirs
      WHERE %(pairing)s = 'gateway' AND id > %(after)s AND source IN (SELECT gateway FROM tariff WHERE above > 0)
      GROUP BY 1, 2) n
JOIN reconciliation_entry e ON e.side = 'gateway' AND e.source = n.source AND e.kind = 'payment' AND e.reference <> ''
 AND e.business_date >= n.month AND e.business_date < n.month + interval '1 month' AND e.occurred_at >= n.since
UNION
SELECT key FROM reconciliation_expectation WHERE pairing = %(pairing)s
UNION
SELECT key FROM reconciliation_match WHERE pairing = %(pairing)s AND rule = 'batch'
UNION
-- By arrays: of a handful of days their rows are looked up, where a join would read those of every day.
SELECT key FROM reconciliation_match
WHERE pairing = %(pairing)s AND rule = 'look_alike' AND business_date = ANY (ARRAY(SELECT business_date FROM days))
UNION
SELECT key FROM reconciliation_break
WHERE pairing = %(pairing)s AND state = 'open' AND business_date = ANY (ARRAY(SELECT business_date FROM days))
UNION
SELECT key FROM all_ours JOIN ambiguous USING (id)
UNION
SELECT key FROM all_theirs JOIN ambiguous USING (id)
UNION
SELECT '';
