-- Generated from engine/pass_0_one_each.sql by `manage.py transpile_engine`; do not edit.
WITH "o" AS (
  SELECT
    "key",
    "currency",
    COUNT(*) AS "lines",
    MAX("counts_as") AS "counts_as",
    MAX("amount") AS "amount",
    MAX("business_date") AS "day"
  FROM "ours"
  GROUP BY
    "key",
    "currency"
), "t" AS (
  SELECT
    "key",
    "currency",
    COUNT(*) AS "lines",
    MAX("counts_as") AS "counts_as",
    MAX("amount") AS "amount",
    MAX("business_date") AS "day"
  FROM "theirs"
  GROUP BY
    "key",
    "currency"
), "judged" AS (
  SELECT
    COALESCE("o"."key", "t"."key") AS "key",
    COALESCE("o"."currency", "t"."currency") AS "currency",
    "o"."lines" AS "ours_lines",
    "t"."lines" AS "theirs_lines",
    "o"."amount" AS "ours_amount",
    "t"."amount" AS "theirs_amount",
    CASE
      WHEN "o"."lines" = 1
      AND "t"."lines" = 1
      AND "o"."counts_as" = 0
      AND "t"."counts_as" = 0
      AND "o"."amount" = "t"."amount"
      AND "o"."key" <> ''
      THEN CASE WHEN "o"."day" = "t"."day" THEN 'exact' ELSE 'exact_timing' END
      WHEN "o"."key" IS NULL AND "t"."lines" = 1 AND "t"."counts_as" = 2 AND "t"."key" <> ''
      THEN 'no_money'
      ELSE 'open'
    END AS "verdict"
  FROM "o"
  FULL JOIN "t"
    ON "o"."key" = "t"."key" AND "o"."currency" = "t"."currency"
)
SELECT
  CASE WHEN "verdict" = 'open' THEN "key" END AS "key",
  "currency",
  "verdict",
  COALESCE(SUM("ours_lines"), 0) AS "ours_lines",
  COALESCE(SUM("theirs_lines"), 0) AS "theirs_lines",
  COALESCE(SUM("ours_amount"), 0) AS "ours_amount",
  COALESCE(SUM("theirs_amount"), 0) AS "theirs_amount"
FROM "judged"
GROUP BY
  1,
  "currency",
  "verdict"
