-- Any other run reads whole keys: every line of every order (or reference) that is in its scope.

CREATE TEMP VIEW ours AS SELECT * FROM all_ours WHERE key IN (SELECT key FROM scope);
CREATE TEMP VIEW theirs AS SELECT * FROM all_theirs WHERE key IN (SELECT key FROM scope);
