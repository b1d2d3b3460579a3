-- Lines of other keys that were matched with one in scope: who looks at one of them again looks at all. The lines of the keys
-- in scope are looked up, and of look-alikes, which may be many, only those of the same business days.

INSERT INTO scope
WITH mine AS MATERIALIZED (
    SELECT id, business_date FROM all_ours WHERE key IN (SELECT key FROM scope WHERE key <> '')
    UNION ALL
    SELECT id, business_date FROM all_theirs WHERE key IN (SELECT key FROM scope WHERE key <> '')
),
matches AS (
    SELECT * FROM reconciliation_match
    WHERE pairing = %(pairing)s AND rule = 'look_alike' AND business_date IN (SELECT business_date FROM mine)
    UNION ALL
    SELECT * FROM reconciliation_match WHERE pairing = %(pairing)s AND rule = 'batch'
),
lines AS MATERIALIZED (
    SELECT m.id AS match, l.id FROM matches m CROSS JOIN LATERAL unnest(m.ours || m.theirs) AS l (id)
),
together AS MATERIALIZED (
    SELECT DISTINCT l.id FROM lines l
    WHERE l.match IN (SELECT match FROM lines JOIN mine USING (id))
)
SELECT key FROM together JOIN all_ours USING (id)
UNION
SELECT key FROM together JOIN all_theirs USING (id)
ON CONFLICT DO NOTHING;
