-- Differences that finance has stated and a second person has approved: one line each, and the difference is to the last minor
-- unit what was stated for that gateway, way of paying and source on the day of our line. Both days count as within.

WITH singles AS (
    SELECT key, kind, currency,
           max(id) FILTER (WHERE book = 'ours') AS ours, max(id) FILTER (WHERE book = 'theirs') AS theirs,
           sum(amount) FILTER (WHERE book = 'theirs') - sum(amount) FILTER (WHERE book = 'ours') AS difference,
           max(source) FILTER (WHERE book = 'ours') AS gateway, max(source) FILTER (WHERE book = 'theirs') AS source,
           max(method) FILTER (WHERE book = 'ours') AS method, max(business_date) FILTER (WHERE book = 'ours') AS day
    FROM pool WHERE outcome IS NULL AND key <> '' AND EXISTS (SELECT FROM known_difference)
    GROUP BY key, kind, currency
    HAVING count(*) = 2 AND count(*) FILTER (WHERE book = 'ours') = 1
),
pairs AS (
    SELECT s.ours, s.theirs, min(k.name) AS name
    FROM singles s JOIN known_difference k
      ON k.pairing = %(pairing)s AND k.currency = s.currency AND k.difference = s.difference
     AND k.gateway IN ('', s.gateway) AND k.source IN ('', s.source) AND k.method IN ('', s.method)
     AND s.day >= k.first AND (k.last IS NULL OR s.day <= k.last)
    GROUP BY s.ours, s.theirs
),
both_lines AS (
    SELECT ours AS id, ours AS pair, name FROM pairs UNION ALL SELECT theirs, ours, name FROM pairs
)
UPDATE pool p SET outcome = 'matched', rule = 'known_difference', pair = b.pair, known = b.name
FROM both_lines b WHERE p.id = b.id;
