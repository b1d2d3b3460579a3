-- The pairing with the gateways. Both books are read in the order of `entry_by_reference`; what they share is the name that
-- we gave to the payment. Only gateways of which we have a feed take part. Fees and payouts are the gateway's own, and
-- what is pending is no money yet (they count as 3 or more): they are counted as excluded.

CREATE TEMP VIEW all_ours AS
SELECT *, reference AS key FROM reconciliation_entry
WHERE side = 'ours'
  AND source = ANY (ARRAY(SELECT source FROM reconciliation_feed WHERE side = 'gateway' AND is_active));

CREATE TEMP VIEW all_theirs AS
SELECT *, reference AS key FROM reconciliation_entry
WHERE side = 'gateway' AND counts_as < 3;
