-- A full run reads both books whole, and looks at everything that earlier runs have kept.

CREATE TEMP VIEW ours AS SELECT * FROM all_ours;
CREATE TEMP VIEW theirs AS SELECT * FROM all_theirs;
CREATE TEMP VIEW kept_break AS SELECT * FROM reconciliation_break WHERE pairing = %(pairing)s;
CREATE TEMP VIEW kept_match AS SELECT * FROM reconciliation_match WHERE pairing = %(pairing)s;
CREATE TEMP VIEW kept_expectation AS SELECT * FROM reconciliation_expectation WHERE pairing = %(pairing)s;
