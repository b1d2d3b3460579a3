-- The attempts of the batch that stand at %(source)s and are to become %(goal)s.

DELETE FROM import_step;

INSERT INTO import_step (id, at)
SELECT a.id, greatest(a.entered_at, p.paid_at)
FROM import_payment p
-- Each by its id and nothing else: a planner that has not yet seen the table grow would go through all that stand at
-- %(source)s for each payment.
JOIN LATERAL (SELECT * FROM orders_attempt WHERE id = p.attempt_id OFFSET 0) a ON a.state = %(source)s
WHERE p.batch = %(batch)s AND p.refused IS NULL AND p.status = %(goal)s;
