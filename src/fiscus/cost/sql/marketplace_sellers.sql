-- Which feed shows which seller: cheap, and in most companies the end of the search for spend that is shown twice.
SELECT x_SourceId AS source, ServiceProviderName AS seller
FROM charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_SourceId NOT LIKE 'gateway-%'
  AND ChargeCategory IN ('Usage', 'Purchase') AND ServiceProviderName IS NOT NULL
GROUP BY x_SourceId, ServiceProviderName
ORDER BY source, seller
