-- Matches that took judgement, to be kept.

CREATE TEMP TABLE found_match ON COMMIT DROP AS
SELECT pair, rule, coalesce(max(key) FILTER (WHERE book = 'ours'), max(key)) AS key, max(currency) AS currency,
       coalesce(array_agg(id ORDER BY id) FILTER (WHERE book = 'ours'), '{}') AS ours,
       coalesce(array_agg(id ORDER BY id) FILTER (WHERE book = 'theirs'), '{}') AS theirs,
       coalesce(sum(amount) FILTER (WHERE book = 'ours'), 0)::bigint AS ours_amount,
       coalesce(sum(amount) FILTER (WHERE book = 'theirs'), 0)::bigint AS theirs_amount,
       coalesce(min(business_date) FILTER (WHERE book = 'ours') <> max(business_date) FILTER (WHERE book = 'theirs'), false)
           AS is_timing,
       coalesce(max(known), '') AS known, min(business_date) FILTER (WHERE book = 'ours') AS business_date
FROM pool
WHERE outcome = 'matched' AND rule IN ('tolerance', 'known_difference', 'group', 'group_tolerance', 'nets_to_zero', 'batch', 'look_alike')
GROUP BY pair, rule;
ANALYZE found_match;
