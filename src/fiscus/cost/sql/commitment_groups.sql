-- Usage that commitments cover or could cover in [since, until), summed by service, owner and commitment; one currency.
-- Eligible without one: on-demand usage of services of which a commitment covers some, or whose row says that a commitment
-- program takes it (FOCUS 1.4, CommitmentProgramEligibilityDetails). Spot and corrections of earlier periods are none.
-- What is taken back within the window counts against what it takes back: its prices are less than nothing, as its cost is.
WITH seen AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service, x_Owner AS owner, x_Team AS team,
        coalesce(CommitmentDiscountId, '') AS commitment,
        CASE WHEN CommitmentDiscountId IS NULL THEN '' ELSE coalesce(CommitmentDiscountStatus, 'Used') END AS status,
        coalesce(PricingCategory, 'Standard') AS pricing,
        coalesce(CommitmentProgramEligibilityDetails, '') LIKE '%ProgramType%' AS said_eligible,
        EffectiveCost AS effective,
        CASE WHEN ContractedCost <> 0 THEN ContractedCost WHEN ListCost <> 0 THEN ListCost END AS on_demand,
        CASE WHEN ListCost <> 0 THEN ListCost WHEN ContractedCost <> 0 THEN ContractedCost END AS listed
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND BillingCurrency = $currency
),
covering AS (SELECT DISTINCT provider, service FROM seen WHERE status = 'Used')
SELECT
    s.provider, s.service, s.owner, s.team, s.commitment, s.status,
    sum(s.effective) AS effective, coalesce(sum(s.on_demand), 0) AS on_demand, coalesce(sum(s.listed), 0) AS listed,
    coalesce(sum(s.effective) FILTER (s.on_demand IS NULL), 0) AS unpriced
FROM seen s
LEFT JOIN covering c ON c.provider = s.provider AND c.service = s.service
WHERE s.commitment <> '' OR (s.pricing = 'Standard' AND s.on_demand <> 0 AND (s.said_eligible OR c.service IS NOT NULL))
GROUP BY s.provider, s.service, s.owner, s.team, s.commitment, s.status
ORDER BY s.provider, s.service, s.owner, s.team, s.commitment, s.status
