-- What was staged, for control totals before anything is taken in.

SELECT kind, status, currency, count(*), sum(amount) FROM staged GROUP BY kind, status, currency ORDER BY 1, 2, 3;
