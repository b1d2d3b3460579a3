-- A break of a key that was looked at and is in order now has healed. What healed it: the latest line of that key, in either
-- book, that came after the break was last seen.

WITH healed AS (
    SELECT b.id, (
        SELECT max(e.id) FROM reconciliation_entry e JOIN reconciliation_run r ON r.id = b.seen_by_id
        WHERE e.id > r.up_to_entry AND b.key <> ''
          AND CASE %(pairing)s
              WHEN 'ho' THEN e.side IN ('ours', 'ho') AND e.order_reference = b.key
              ELSE e.side IN ('ours', 'gateway') AND e.reference = b.key END) AS entry
    FROM kept_break b
    WHERE b.state = 'open' AND NOT EXISTS (SELECT FROM found_break f WHERE f.identity = b.identity)
),
closed AS (
    UPDATE reconciliation_break b SET state = 'healed', closed_at = now(), healed_by = h.entry
    FROM healed h WHERE b.id = h.id
)
INSERT INTO reconciliation_breakevent (of_id, verb, actor, reason, detail, run_id, at)
SELECT id, 'heal', %(actor)s, '', jsonb_build_object('entry', entry), %(run)s, now() FROM healed;
