-- What a run of some keys has to account for: the lines in its reach, and a gateway's payouts and fees that it found to differ.

SELECT 'ours', currency, count(*), sum(amount) FROM ours GROUP BY currency
UNION ALL
SELECT 'theirs', currency, sum(lines), sum(amount) FROM (
    SELECT currency, count(*) AS lines, sum(amount) AS amount FROM theirs GROUP BY currency
    UNION ALL
    SELECT currency, count(*), sum(p.amount) FROM payout q JOIN pool p USING (id, currency)
    WHERE %(pairing)s = 'gateway' AND q.differs GROUP BY currency
    UNION ALL
    SELECT e.currency, count(*), sum(e.amount) FROM fee f JOIN reconciliation_entry e
      ON e.side = 'gateway' AND e.reference = f.reference AND e.source = f.source AND e.currency = f.currency
     AND e.kind = 'fee' AND e.status = 'settled'
    WHERE f.differs GROUP BY e.currency) t
GROUP BY currency;
