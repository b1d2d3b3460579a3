-- A break that a person had decided about, and whose books agree by now, has healed after all: the decision is in its
-- history, and its lines are matched.

WITH healed AS (
    UPDATE kept_break b SET state = 'healed', closed_at = now()
    WHERE b.state = 'resolved' AND NOT EXISTS (SELECT FROM found_break f WHERE f.identity = b.identity)
    RETURNING b.id
)
INSERT INTO reconciliation_breakevent (of_id, verb, actor, reason, detail, run_id, at)
SELECT id, 'heal', %(actor)s, '', '{}', %(run)s, now() FROM healed;
