-- The pairing with the gateways. Both books are read in the order of `entry_by_reference`; what they share is the name that
-- we gave to the payment. Only gateways of which we have a feed take part. Fees and payouts are the gateway's own, and
-- what is pending is no money yet: they are counted as excluded.

CREATE TEMP VIEW all_ours AS
SELECT *, reference AS key FROM reconciliation_entry
WHERE side = 'ours' AND source IN (SELECT source FROM coverage);

CREATE TEMP VIEW all_theirs AS
SELECT *, reference AS key FROM reconciliation_entry
WHERE side = 'gateway' AND kind NOT IN ('fee', 'payout') AND status <> 'pending';
