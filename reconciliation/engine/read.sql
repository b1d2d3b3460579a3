-- How many lines the first pass read, book by book: settled, and left open.

SELECT 'ours', currency, coalesce(sum(ours_lines), 0), coalesce(sum(ours_lines) FILTER (WHERE verdict = 'open'), 0)
FROM first_pass GROUP BY currency
UNION ALL
SELECT 'theirs', currency, coalesce(sum(theirs_lines), 0), coalesce(sum(theirs_lines) FILTER (WHERE verdict = 'open'), 0)
FROM first_pass GROUP BY currency;
