-- Lines that take no part in this pairing, and why.

SELECT 'ours', currency, CASE source WHEN %(bank)s THEN 'transferred' ELSE 'no_feed' END, count(*), sum(amount)
FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'ours' AND source <> ALL (ARRAY(SELECT source FROM coverage))
GROUP BY currency, 3
UNION ALL
SELECT 'theirs', currency, CASE counts_as WHEN 3 THEN 'no_money' ELSE 'own_fees' END, count(*), sum(amount)
FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'gateway' AND counts_as >= 3
  AND id NOT IN (SELECT id FROM pool WHERE rule IN ('payout_differs', 'fee_differs'))
GROUP BY currency, 3;
