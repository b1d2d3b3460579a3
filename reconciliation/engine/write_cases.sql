-- What the open breaks of each case add up to now.

UPDATE reconciliation_case c SET
    count = coalesce(n.count, 0), money = coalesce(n.money, 0), first_at = coalesce(n.first_at, c.first_at),
    last_at = coalesce(n.last_at, c.last_at), is_open = n.count IS NOT NULL
FROM reconciliation_case k
LEFT JOIN (
    SELECT case_id, count(*) AS count, sum(exposure) AS money, min(occurred_at) AS first_at, max(occurred_at) AS last_at
    FROM reconciliation_break WHERE state = 'open' AND pairing = %(pairing)s GROUP BY case_id) n ON n.case_id = k.id
WHERE c.id = k.id AND c.pairing = %(pairing)s
  AND (c.count, c.money, c.is_open, c.first_at, c.last_at) IS DISTINCT FROM (
      coalesce(n.count, 0), coalesce(n.money, 0), n.count IS NOT NULL, coalesce(n.first_at, c.first_at),
      coalesce(n.last_at, c.last_at));
