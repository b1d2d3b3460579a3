-- The attempts of the batch that stand at %(source)s and are to become %(goal)s.

DELETE FROM import_step;

INSERT INTO import_step (id, at)
SELECT a.id, greatest(a.entered_at, p.paid_at)
FROM import_payment p JOIN orders_attempt a ON a.id = p.attempt_id
WHERE p.batch = %(batch)s AND p.refused IS NULL AND p.status = %(goal)s AND a.state = %(source)s;
