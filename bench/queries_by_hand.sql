-- What bench.queries holds the dashboard against: a question a heading, its queries ended by semicolons. {charges} are the lake's files,
-- {owned} the same with their owners, {team} one team's production, and the three spans of days are as the pages have them.

-- # head of every page
SELECT BillingCurrency, sum(EffectiveCost) AS cost, sum(EffectiveCost) FILTER (x_Team = 'unowned'), count(*)
FROM {owned} WHERE {december} GROUP BY ALL;
SELECT x_SourceId, max(ChargePeriodEnd) FILTER (ChargeCategory = 'Usage'), count(*), list(DISTINCT x_BillingMonth)
FROM {charges} GROUP BY ALL;

-- # spend of the month by service category and day, and the month before
SELECT CAST(ChargePeriodStart AS DATE), ServiceCategory, sum(EffectiveCost) AS cost, count(*)
FROM {charges} WHERE {december} AND BillingCurrency = 'USD' GROUP BY ALL;
SELECT ServiceCategory, sum(EffectiveCost) AS cost
FROM {charges} WHERE {november} AND BillingCurrency = 'USD' GROUP BY ALL;

-- # six months by team and month
SELECT date_trunc('month', ChargePeriodStart), x_Team, sum(EffectiveCost) AS cost, count(*)
FROM {owned} WHERE {half_year} AND BillingCurrency = 'USD' GROUP BY ALL;

-- # six months by a promoted tag and month
SELECT date_trunc('month', ChargePeriodStart), "x_Tag_cost-centre", sum(EffectiveCost) AS cost, count(*)
FROM {charges} WHERE {half_year} AND BillingCurrency = 'USD' GROUP BY ALL;

-- # one team's production by service and day, and the month before
SELECT CAST(ChargePeriodStart AS DATE), ServiceName, sum(EffectiveCost) AS cost, count(*)
FROM {owned} WHERE {december} AND BillingCurrency = 'USD' AND {team} GROUP BY ALL;
SELECT ServiceName, sum(EffectiveCost) AS cost
FROM {owned} WHERE {november} AND BillingCurrency = 'USD' AND {team} GROUP BY ALL;

-- # the charges behind a number
SELECT CAST(ChargePeriodStart AS DATE), EffectiveCost, BilledCost, BillingCurrency, x_SourceId, ServiceProviderName, ServiceName,
  ChargeCategory, ChargeDescription, SubAccountName, ResourceId, RegionId, x_Team, x_Owner, x_Environment, x_AssignmentRule,
  count(*) OVER (), sum(EffectiveCost) OVER ()
FROM {owned} WHERE {december} AND BillingCurrency = 'USD' AND {team} ORDER BY abs(EffectiveCost) DESC LIMIT 200;

-- # owners of the month
SELECT x_Team, BillingCurrency, sum(EffectiveCost) AS cost, count(*), list(DISTINCT x_AssignmentRule)
FROM {owned} WHERE {december} GROUP BY ALL;

-- # report: cost by service
SELECT x_BillingMonth, ServiceProviderName, SubAccountId, SubAccountName, ServiceName, BillingCurrency, sum(BilledCost),
  sum(EffectiveCost)
FROM {charges} WHERE x_BillingMonth BETWEEN '2026-07' AND '2026-12' GROUP BY ALL;

-- # report: spend by owner
SELECT x_Owner, x_Team, BillingCurrency, sum(EffectiveCost), count(*)
FROM {owned} WHERE x_BillingMonth BETWEEN '2026-07' AND '2026-12' GROUP BY ALL;

-- # report: the dearest resources of a month
SELECT ResourceId, ResourceName, ServiceName, RegionId, x_Owner, x_Environment, BillingCurrency, sum(EffectiveCost) AS cost
FROM {owned} WHERE x_BillingMonth = '2026-11' AND ResourceId IS NOT NULL GROUP BY ALL ORDER BY cost DESC LIMIT 100;

-- # report: spend day by day
SELECT CAST(ChargePeriodStart AS DATE), ServiceProviderName, BillingCurrency, sum(EffectiveCost), sum(BilledCost)
FROM {charges} WHERE {half_year} GROUP BY ALL;
