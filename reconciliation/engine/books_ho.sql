-- The pairing with Head Office. Both books are read in the order of the unique index `entry_once`; what they share is the
-- order, because Head Office writes one line for an order that was paid in several parts.

CREATE TEMP VIEW all_ours AS
SELECT *, order_reference AS key FROM reconciliation_entry WHERE side = 'ours';

CREATE TEMP VIEW all_theirs AS
SELECT *, order_reference AS key FROM reconciliation_entry WHERE side = 'ho';
