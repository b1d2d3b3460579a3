-- Lines of theirs that name no payment or order of ours: amount, business day and method, and only if that fits one line of
-- each book. Where it fits several, nobody can know: all of them are ambiguous.

WITH nameless AS (
    SELECT t.* FROM pool t
    WHERE t.book = 'theirs' AND t.outcome IS NULL
      AND (t.key = '' OR NOT EXISTS (SELECT FROM pool o WHERE o.book = 'ours' AND o.key = t.key))
),
fitting AS (
    SELECT o.id AS ours, t.id AS theirs,
           count(*) OVER (PARTITION BY o.id) = 1 AND count(*) OVER (PARTITION BY t.id) = 1 AS is_unique,
           concat_ws('|', '?', o.business_date, o.amount, o.currency) AS cluster
    FROM pool o JOIN nameless t USING (kind, amount, currency, business_date)
    WHERE o.book = 'ours' AND o.outcome IS NULL AND (t.method = o.method OR t.method = '')
),
each_line AS (
    SELECT ours AS id, ours, cluster, is_unique FROM fitting
    UNION ALL
    SELECT theirs, ours, cluster, is_unique FROM fitting
),
judged AS (
    SELECT id, min(ours) AS ours, min(cluster) AS cluster, bool_and(is_unique) AS is_unique FROM each_line GROUP BY id
)
UPDATE pool p SET
    outcome = CASE WHEN j.is_unique THEN 'matched' ELSE 'break' END,
    rule = CASE WHEN j.is_unique THEN 'look_alike' ELSE 'ambiguous' END,
    pair = j.ours,
    grp = CASE WHEN j.is_unique THEN p.grp ELSE j.cluster END
FROM judged j WHERE p.id = j.id;
