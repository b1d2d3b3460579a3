-- Each change of breaks left a row that says by how much the totals moved (see the trigger); here the rows of one hour, day and
-- currency become one. Who reads meanwhile sees the rows before or after, whose sums are the same.

WITH scattered AS (
    SELECT hour, business_date, currency FROM reconciliation_breaktotal
    GROUP BY hour, business_date, currency HAVING count(*) > 1 OR sum(breaks) = 0
),
gone AS (
    DELETE FROM reconciliation_breaktotal t USING scattered s
    WHERE t.hour = s.hour AND t.business_date = s.business_date AND t.currency = s.currency
    RETURNING t.hour, t.business_date, t.currency, t.breaks, t.money
)
INSERT INTO reconciliation_breaktotal (hour, business_date, currency, breaks, money)
SELECT hour, business_date, currency, sum(breaks), sum(money) FROM gone
GROUP BY hour, business_date, currency HAVING sum(breaks) <> 0 OR sum(money) <> 0;
