-- Lines of other keys that were matched with one in scope: who looks at one of them again looks at all.

INSERT INTO scope
WITH lines AS (
    SELECT m.id AS match, l.id
    FROM reconciliation_match m CROSS JOIN LATERAL unnest(m.ours || m.theirs) AS l (id)
    WHERE m.pairing = %(pairing)s AND m.rule IN ('look_alike', 'batch')
),
keys AS (
    SELECT l.match, e.key FROM lines l JOIN all_ours e USING (id)
    UNION ALL
    SELECT l.match, e.key FROM lines l JOIN all_theirs e USING (id)
)
SELECT DISTINCT key FROM keys
WHERE match IN (SELECT match FROM keys JOIN scope USING (key) WHERE key <> '')
ON CONFLICT DO NOTHING;
