-- Keys that cut the books into about %(ranges)s equal ranges, from the statistics of the column %(key)s; none without them.

WITH known AS (
    SELECT histogram_bounds::text::text[] AS bounds FROM pg_stats
    WHERE schemaname = current_schema() AND tablename = 'reconciliation_entry' AND attname = %(key)s
)
SELECT DISTINCT bounds[1 + n * (cardinality(bounds) - 1) / %(ranges)s] AS bound
FROM known, generate_series(1, %(ranges)s - 1) AS n
WHERE cardinality(bounds) > %(ranges)s AND bounds[1 + n * (cardinality(bounds) - 1) / %(ranges)s] <> ''
ORDER BY bound;
