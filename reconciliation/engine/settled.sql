-- What the first pass has settled, summed up; the pool keeps the lines.

CREATE TEMP TABLE settled ON COMMIT DROP AS
SELECT verdict, currency, sum(ours_lines) AS ours_lines, sum(theirs_lines) AS theirs_lines, sum(ours_amount) AS ours_amount,
       sum(theirs_amount) AS theirs_amount
FROM pool WHERE id IS NULL GROUP BY verdict, currency;

DELETE FROM pool WHERE id IS NULL;

ANALYZE pool;
