-- Lines of other keys that were matched with one in scope: who looks at one of them again looks at all. Such matches are few;
-- the lines of the keys in scope are looked up, and not those of all matches.

INSERT INTO scope
WITH mine AS MATERIALIZED (
    SELECT id FROM all_ours WHERE key IN (SELECT key FROM scope WHERE key <> '')
    UNION ALL
    SELECT id FROM all_theirs WHERE key IN (SELECT key FROM scope WHERE key <> '')
),
lines AS (
    SELECT m.id AS match, l.id
    FROM reconciliation_match m CROSS JOIN LATERAL unnest(m.ours || m.theirs) AS l (id)
    WHERE m.pairing = %(pairing)s AND m.rule IN ('look_alike', 'batch')
),
together AS MATERIALIZED (
    SELECT DISTINCT l.id FROM lines l
    WHERE l.match IN (SELECT match FROM lines JOIN mine USING (id))
)
SELECT key FROM together JOIN all_ours USING (id)
UNION
SELECT key FROM together JOIN all_theirs USING (id)
ON CONFLICT DO NOTHING;
