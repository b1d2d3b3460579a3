-- Lines that take no part in this pairing, and why.

SELECT 'ours', currency, 'no_feed', count(*), sum(amount) FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'ours' AND source NOT IN (SELECT source FROM coverage)
GROUP BY currency
UNION ALL
SELECT 'theirs', currency, CASE WHEN status = 'pending' THEN 'no_money' ELSE 'own_fees' END, count(*), sum(amount)
FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'gateway' AND (kind IN ('fee', 'payout') OR status = 'pending')
GROUP BY currency, 3;
