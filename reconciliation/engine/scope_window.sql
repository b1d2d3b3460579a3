-- The keys that have a line on one of the business days from %(from)s to %(to)s, both included.

INSERT INTO scope
SELECT key FROM all_ours WHERE business_date BETWEEN %(from)s AND %(to)s
UNION
SELECT key FROM all_theirs WHERE business_date BETWEEN %(from)s AND %(to)s
UNION
SELECT reference FROM reconciliation_entry
WHERE %(pairing)s = 'gateway' AND side = 'gateway' AND kind = 'fee' AND reference <> ''
  AND business_date BETWEEN %(from)s AND %(to)s;
