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
)
SELECT key FROM fresh
UNION
SELECT key FROM reconciliation_expectation WHERE pairing = %(pairing)s
UNION
SELECT key FROM reconciliation_match WHERE pairing = %(pairing)s AND rule IN ('look_alike', 'batch')
UNION
SELECT b.key FROM reconciliation_break b JOIN days USING (business_date) WHERE b.pairing = %(pairing)s AND b.state = 'open'
UNION
SELECT key FROM all_ours WHERE id IN (
    SELECT unnest(b.ours) FROM reconciliation_break b
    WHERE b.pairing = %(pairing)s AND b.type = 'ambiguous' AND b.state = 'open')
UNION
SELECT '';
