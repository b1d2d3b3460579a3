-- Lines of a closed day that came after it was closed: each belongs to the day on which it came, or the first one after
-- that which is not closed itself.

INSERT INTO reconciliation_carriedline (entry, from_day, to_day, at)
SELECT e.id, d.date, t.day, now()
FROM reconciliation_day d
JOIN reconciliation_entry e ON e.side IN ('ours', 'gateway', 'ho') AND e.business_date = d.date AND e.id > d.up_to_entry
JOIN reconciliation_load l ON l.id = e.load_id
CROSS JOIN LATERAL (
    SELECT min(g)::date AS day
    FROM generate_series(greatest(reconciliation_business_day(l.started_at, interval '0'), d.date), d.date + 3660, interval '1 day') g
    WHERE NOT EXISTS (SELECT FROM reconciliation_day c WHERE c.date = g::date AND c.state = ANY(%(closed)s))) t
WHERE d.state = ANY(%(closed)s)
ON CONFLICT (entry) DO NOTHING;
