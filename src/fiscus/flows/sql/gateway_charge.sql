-- Where a charge of the gateway stands.
SELECT x_SourceId, ChargePeriodStart FROM charges
WHERE x_SourceId LIKE 'gateway-%' AND x_Extra['x_GatewayCharge'] = $charge
LIMIT 1
