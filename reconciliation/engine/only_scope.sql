-- Any other run reads whole keys: every line of every order (or reference) that is in its scope, and what earlier runs have
-- kept about them.

CREATE TEMP VIEW ours AS SELECT * FROM all_ours WHERE key IN (SELECT key FROM scope);
CREATE TEMP VIEW theirs AS SELECT * FROM all_theirs WHERE key IN (SELECT key FROM scope);
CREATE TEMP VIEW kept_break AS
SELECT * FROM reconciliation_break WHERE pairing = %(pairing)s AND key IN (SELECT key FROM scope);
CREATE TEMP VIEW kept_match AS
SELECT * FROM reconciliation_match WHERE pairing = %(pairing)s AND key IN (SELECT key FROM scope);
CREATE TEMP VIEW kept_expectation AS
SELECT * FROM reconciliation_expectation WHERE pairing = %(pairing)s AND key IN (SELECT key FROM scope);
