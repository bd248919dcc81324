-- Questions in DuckDB's dialect on which engines differ, unless somebody sees to it. All are asked of one small lake of odd bills.
-- {numbered} is its charges, each with a number n. A title is a line that starts with --- and names the test.

--- every column of every row
SELECT * FROM charges

--- the columns of an older FOCUS version
SELECT * FROM charges_1_2

--- sums keep all their digits
SELECT BillingCurrency, sum(BilledCost), sum(EffectiveCost) AS e, sum(PricingQuantity) AS q, count(*) FROM charges GROUP BY ALL ORDER BY ALL

--- products keep all their digits
SELECT n, EffectiveCost * CAST(0.07 AS DECIMAL(9,4)) AS x, EffectiveCost * 3 AS y, PricingQuantity * 2 AS z, CAST(EffectiveCost * ListUnitPrice AS DECIMAL(28,12)) AS w FROM {numbered} ORDER BY n

--- sums and differences of unlike decimals
SELECT n, EffectiveCost + PricingQuantity AS a, BilledCost - CAST(1.5 AS DECIMAL(38,18)) AS b, coalesce(ConsumedQuantity, 0) AS c, greatest(EffectiveCost, 1) AS d, least(BilledCost, NULL) AS e FROM {numbered} ORDER BY n

--- division is of doubles
SELECT n, EffectiveCost / 3 AS a, n / 4 AS b, n // 4 AS c, n % 4 AS d, -n // 4 AS e FROM {numbered} ORDER BY n

--- decimals round half away from zero
SELECT n, CAST(EffectiveCost AS BIGINT) AS a, CAST(EffectiveCost AS DECIMAL(18,2)) AS b, round(EffectiveCost, 1) AS c, TRY_CAST(BilledCost AS INTEGER) AS d, CAST(CAST(n + 0.5 AS DOUBLE) AS INTEGER) AS e FROM {numbered} ORDER BY n

--- numbers as text
SELECT n, CAST(EffectiveCost AS VARCHAR) AS a, CAST(n AS VARCHAR) || '/' || x_BillingMonth AS b FROM {numbered} ORDER BY n

--- text as numbers
SELECT TRY_CAST(t AS INTEGER) AS a, TRY_CAST(t AS DECIMAL(9,3)) AS b, TRY_CAST(t AS BIGINT) AS c, TRY_CAST(t AS DATE) AS d FROM (VALUES ('7'), ('-7.5'), ('x'), ('99999999999'), ('2026-02-28'), ('2026-02-30'), (NULL)) AS v(t)

--- absent values come last, up or down
SELECT RegionId, SubAccountName, n FROM {numbered} ORDER BY RegionId DESC, SubAccountName, n DESC

--- texts sort by their bytes
SELECT t FROM (VALUES ('b'), ('B'), ('ä'), ('a'), ('Ä'), ('z'), ('_'), ('東'), ('🙂'), (''), (NULL)) AS v(t) ORDER BY t

--- letter case
SELECT DISTINCT lower(ResourceId) AS a, upper(ServiceName) AS b, length(ServiceName) AS c FROM charges

--- patterns of LIKE
SELECT ResourceId LIKE '%\%' AS a, ResourceId LIKE '%$\%%' ESCAPE '$' AS b, RegionId ILIKE 'EU-_est%' AS c, ResourceId NOT LIKE 'i%' AS d, ResourceId LIKE '%''s%' AS e, count(*) AS n FROM charges GROUP BY ALL

--- patterns of RE2
SELECT regexp_matches(ResourceId, '^[a-z]-\d+$') AS a, regexp_matches(ServiceName, '(?i)ZÜRICH\b.') AS b, regexp_matches(ResourceId, '[[:upper:]]|\$\{') AS c, count(*) AS n FROM charges GROUP BY ALL

--- texts side by side
SELECT DISTINCT concat(ResourceId, RegionId, 'x') AS a, ResourceId || RegionId AS b, 'a' || '${y}' || '\n' AS c, substring(ServiceName, 2, 3) AS d, trim('  x ') AS e, replace(ResourceId, '-', '') AS f FROM charges

--- tags that are there, empty, and not
SELECT Tags['team'] AS a, Tags['env'] AS b, Tags['a.b'] AS c, Tags['nosuch'] AS d, Tags['env'] IS NULL AS e, x_Tag_team AS f, count(*) AS n FROM charges GROUP BY ALL

--- JSON in a column
SELECT DISTINCT json_extract_string(SkuPriceDetails, '/InstanceType') AS a, json_extract_string(SkuPriceDetails, '$.GpuCount') AS b, json_extract_string(SkuPriceDetails, '/n') AS c, json_extract_string(SkuPriceDetails, '/z') AS d, json_extract_string(SkuPriceDetails, '/o') AS e, json_extract_string(SkuPriceDetails, '/o/k') AS f FROM charges

--- JSON that is none
SELECT t, json_valid(t) AS a, CASE WHEN json_valid(t) THEN json_extract_string(t, '/a') END AS b FROM (VALUES ('{"a": 1}'), ('{"a": 1} x'), ('{a: 1}'), (''), ('[1]'), ('"s"'), ('{"a": 01}'), ('nul'), ('{"a": "x'), ('{''a'': 1}'), (NULL), ('{"a": "\u00e9"}')) AS v(t)

--- days and months
SELECT DISTINCT CAST(ChargePeriodStart AS DATE) AS a, CAST(date_trunc('month', ChargePeriodStart) AS DATE) AS b, strftime(ChargePeriodStart, '%Y-%m-%d %H:%M:%S') AS c, date_trunc('month', CAST(ChargePeriodStart AS DATE)) AS d, CAST(ChargePeriodEnd AS DATE) - CAST(ChargePeriodStart AS DATE) AS e, CAST(ChargePeriodStart AS DATE) + 3 AS f, CAST(ChargePeriodStart AS DATE) - 3 AS g, date_trunc('day', ChargePeriodStart) AS h FROM charges

--- days of the week
SELECT DISTINCT isodow(ChargePeriodStart) AS a, dayofweek(ChargePeriodStart) AS b, day(ChargePeriodStart) AS c, month(ChargePeriodStart) AS d, year(ChargePeriodStart) AS e, quarter(ChargePeriodStart) AS f, weekofyear(ChargePeriodStart) AS g, CAST(last_day(CAST(ChargePeriodStart AS DATE)) AS DATE) AS h FROM charges

--- times compare across offsets
SELECT count(*) AS n FROM charges WHERE ChargePeriodStart >= TIMESTAMPTZ '2026-10-25 00:30:00+00' AND ChargePeriodStart < CAST('2026-10-31' AS DATE)

--- times as text
SELECT DISTINCT CAST(ChargePeriodStart AS VARCHAR) AS a, CAST(CAST(ChargePeriodStart AS DATE) AS VARCHAR) AS b FROM charges

--- the value beside the largest
SELECT x_SourceId, max_by(ResourceId, EffectiveCost) AS a, arg_min(SubAccountName, BilledCost) AS b, arg_max(ResourceId, BilledCost) FILTER (EffectiveCost < 50) AS c FROM charges GROUP BY ALL ORDER BY ALL

--- lists in order
SELECT x_SourceId, list(DISTINCT RegionId ORDER BY RegionId) AS a, list(n ORDER BY EffectiveCost DESC, n)[:3] AS b, list(n ORDER BY n) FILTER (n < 0) AS c, list(RegionId ORDER BY n DESC)[2:4] AS d FROM {numbered} GROUP BY ALL ORDER BY x_SourceId

--- counts of what differs
SELECT count(DISTINCT RegionId) AS a, count(RegionId) AS b, count_if(EffectiveCost > 1) AS c, bool_or(RegionId IS NULL) AS d, bool_and(BilledCost > 0) AS e, sum(CASE WHEN RegionId IS NULL THEN 1 ELSE 0 END) AS f, count(*) FILTER (RegionId = 'zz') AS g FROM charges

--- nothing sums to nothing
SELECT sum(BilledCost) AS a, count(*) AS b, max(ResourceId) AS c, list(ResourceId) AS d FROM charges WHERE false

--- grouping sets
SELECT grouping(x_SourceId, BillingCurrency) AS g, x_SourceId, BillingCurrency, sum(EffectiveCost) AS c FROM charges GROUP BY GROUPING SETS ((x_SourceId, BillingCurrency), (x_SourceId), ()) ORDER BY ALL

--- windows
SELECT n, sum(EffectiveCost) OVER (ORDER BY n ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS a, lag(RegionId) OVER (ORDER BY n) AS b, rank() OVER (ORDER BY RegionId DESC) AS c, sum(BilledCost) OVER w AS d, first_value(ResourceId) OVER w AS e FROM {numbered} WINDOW w AS (PARTITION BY x_SourceId ORDER BY n) ORDER BY n

--- the best of each
SELECT x_SourceId, ResourceId, n FROM {numbered} QUALIFY row_number() OVER (PARTITION BY x_SourceId ORDER BY n DESC) = 1 ORDER BY ALL

--- sets
SELECT RegionId FROM charges UNION SELECT 'zz' EXCEPT SELECT 'eu-west-1' ORDER BY 1

--- joins with NULLs
WITH a AS (SELECT DISTINCT RegionId FROM charges) SELECT a.RegionId, b.RegionId AS other FROM a LEFT JOIN a AS b ON a.RegionId IS NOT DISTINCT FROM b.RegionId ORDER BY 1

--- what is in a list, and not
SELECT RegionId IN ('zz', 'eu-west-1') AS a, RegionId NOT IN ('zz') AS b, list_contains(['zz', 'x'], RegionId) AS c, count(*) AS n FROM charges GROUP BY ALL

--- a list is asked for a column of a table, whatever the table is called
SELECT list_contains(['zz', 'x'], c.RegionId) AS a, list_contains(['zz'], s.ServiceName) AS b, count(*) AS n
FROM charges c JOIN (SELECT DISTINCT ServiceName FROM charges) s ON s.ServiceName = c.ServiceName GROUP BY ALL

--- numbers in a row
SELECT n, n * n AS sq FROM range(1, 6) AS days(n) ORDER BY n

--- cube is a name
WITH cube AS (SELECT x_SourceId AS s, count(*) AS n FROM charges GROUP BY ALL) SELECT cube.s, cube.n FROM cube ORDER BY cube.s

--- columns but some
SELECT * EXCLUDE (Tags, x_Extra) FROM charges WHERE ResourceId = 'I-2'

--- corrections of closed months
SELECT * FROM corrections

--- datasets beside
SELECT * FROM contract_commitments

--- what was allocated
SELECT * FROM allocations

--- charges with shared ones in parts
SELECT x_AllocationKind, count(*) AS n, sum(EffectiveCost) AS c FROM allocated_charges GROUP BY ALL ORDER BY ALL

--- a NULL in every place
SELECT NULL AS a, NULL = NULL AS b, NULL IS NULL AS c, coalesce(NULL, 1) AS d, nullif(1, 1) AS e, 1 IN (2, NULL) AS f

--- a star that replaces keeps a column whose name needs quotes
SELECT * REPLACE (upper(RegionId) AS RegionId) FROM (SELECT RegionId, n AS "x_Tag_cost-centre" FROM {numbered}) ORDER BY "x_Tag_cost-centre"

--- texts that are numbers, and not
SELECT x, TRY_CAST(x AS DOUBLE) AS a, TRY_CAST(x AS DECIMAL(38,12)) AS b FROM (VALUES ('1'), ('+1'), (' 1 '), ('1.'), ('.5'), ('1e5'), ('1E-3'),
  ('1e'), ('1_000'), ('1__0'), ('_1'), ('1,0'), ('1d'), ('1f'), ('0x10'), (''), ('--1'), ('1 2'), ('.'), ('1e39'), ('0.1234567890125'),
  ('-0.0000000000005'), ('.e5'), ('00012'), ('1.1_1'), ('1e400'), (NULL)) AS texts(x)

--- texts that are times, and not
SELECT x, TRY_CAST(x AS TIMESTAMP)::VARCHAR AS a FROM (VALUES ('2026-01-01'), ('2026-01-01T00:00:00Z'), ('2026-1-1'), ('26-1-1'), ('2026-01'),
  ('2026'), ('2026-01-01T05:06'), ('2026-01-01T00'), ('2026-01-01T1:2:3'), ('2026-01-01T00:00:00+02:00'), ('2026-01-01T00:00:00 Europe/Berlin'),
  ('2026-01-01T00:00:00.123456789Z'), ('2026-02-30'), ('2026/01/01'), ('2026-01/01'), ('20260101'), ('now'), (' 2026-01-01'),
  ('2026-01-01t00:00:00'), ('2026-01-01T00:00:60'), ('2026-01-01T'), ('2026-01-01Z'), ('2026-13-01'), ('2026-01-01T00:00:00+2:00'),
  ('2026-01-01T00:00:00.5'), ('2026-01-01T00:00:00Zx'), (NULL)) AS texts(x)

--- numbers between texts
SELECT '' || CAST(x AS DOUBLE) || ' of ' || CAST(x AS DECIMAL(38,18)) AS a FROM (VALUES (0.12), (1), (0.0001), (0.00001), (0.000015), (123456789.125),
  (20000000000), (0), (-0.5), (100)) AS numbers(x)

--- what a JSON document holds
SELECT x, json_valid(x) AS a, json_type(x) AS b, json_type(x, '$.a') AS c, json_type(x, '$.*') AS d, json_type(x, '$.a[*]') AS e,
  x -> '$.a[*]' AS f, json_exists(x, '$.a') AS g, json_type(x, '$.*.*') AS h
FROM (VALUES ('{"a": [1, "s", null, {"z": 1, "b": 1.50e1}, [2]]}'), ('{"a": null, "b": {"c": true}}'), ('{"a": 1.5}'), ('{"b": "x"}'), ('{}'),
  ('{"a": "ü\"q"}')) AS documents(x)

--- the keys of JSON documents
SELECT json_keys(x) AS a, x ->> '$.*' AS b, list_contains(x ->> '$.*', 'x') AS c, list_has_any(json_keys(x), ['k', 'b']) AS d
FROM (VALUES ('{"b": "x", "a": null}'), ('{"k": {"n": 1}}'), ('{}')) AS documents(x)

--- the smallest ones
SELECT x_SourceId AS s, min(n, 3) AS a, min_by(RegionId, (n, RegionId), 2) AS b, quantile_disc(EffectiveCost, 0.5) AS c, quantile_disc(n, 0.95) AS d
FROM {numbered} GROUP BY x_SourceId

--- texts whose parts are replaced
SELECT lower(regexp_replace(ResourceId, '[^A-Za-z0-9]+', '', 'g')) AS a, regexp_full_match(ResourceId, '[a-z]-.*') AS b,
  regexp_split_to_array(ResourceId, '[ -]+') AS c, strlen(ResourceId) AS d, regexp_full_match(ResourceId, '[a-z]*') IS NOT TRUE AS e FROM charges

--- a closed month has the owners of then
SELECT x_SourceId, x_BillingMonth, x_Owner, count(*) AS n, sum(BilledCost) AS billed FROM charges_as_reported
GROUP BY ALL ORDER BY ALL
