-- What every line came to, book by book.

SELECT 'ours', currency, CASE verdict WHEN 'no_money' THEN 'excluded' ELSE 'matched' END, verdict, sum(ours_lines),
       sum(ours_amount)
FROM first_pass WHERE verdict <> 'open' GROUP BY currency, verdict HAVING sum(ours_lines) > 0
UNION ALL
SELECT 'theirs', currency, CASE verdict WHEN 'no_money' THEN 'excluded' ELSE 'matched' END, verdict, sum(theirs_lines),
       sum(theirs_amount)
FROM first_pass WHERE verdict <> 'open' GROUP BY currency, verdict HAVING sum(theirs_lines) > 0
UNION ALL
SELECT book, currency, coalesce(outcome, 'none'), coalesce(rule, ''), count(*), sum(amount)
FROM pool GROUP BY book, currency, outcome, rule
ORDER BY 1, 2, 3, 4;
