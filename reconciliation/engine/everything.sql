-- A full run reads both books whole.

CREATE TEMP VIEW ours AS SELECT * FROM all_ours;
CREATE TEMP VIEW theirs AS SELECT * FROM all_theirs;
