-- What every line came to, book by book.

SELECT 'ours', currency, CASE verdict WHEN 'no_money' THEN 'excluded' ELSE 'matched' END, verdict, ours_lines, ours_amount
FROM settled WHERE ours_lines > 0
UNION ALL
SELECT 'theirs', currency, CASE verdict WHEN 'no_money' THEN 'excluded' ELSE 'matched' END, verdict, theirs_lines, theirs_amount
FROM settled WHERE theirs_lines > 0
UNION ALL
SELECT book, currency, coalesce(outcome, 'none'), coalesce(rule, ''), count(*), sum(amount)
FROM pool GROUP BY book, currency, outcome, rule
ORDER BY 1, 2, 3, 4;
