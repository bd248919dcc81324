-- Two spellings of one name that differ only in case or spaces: somewhere the original was not kept.
-- columns: ServiceName
SELECT 'broken' AS status, min(place) AS place, sum(number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, name || ': ' || min(value) || ' and ' || max(value) AS what
FROM (
    SELECT 'ServiceName' AS name, ServiceName AS value, count(*) AS number_of_rows, min(x__row) AS place FROM delivery GROUP BY ALL
    UNION ALL SELECT 'RegionName', RegionName, count(*), min(x__row) FROM delivery GROUP BY ALL
    UNION ALL SELECT 'ProviderName', coalesce(ServiceProviderName, ProviderName), count(*), min(x__row) FROM delivery GROUP BY ALL
    UNION ALL SELECT 'InvoiceIssuerName', InvoiceIssuerName, count(*), min(x__row) FROM delivery GROUP BY ALL
    UNION ALL SELECT 'SubAccountName', SubAccountName, count(*), min(x__row) FROM delivery GROUP BY ALL)
WHERE value IS NOT NULL
GROUP BY name, lower(regexp_replace(value, '\s+', ' ', 'g')) HAVING count(DISTINCT value) > 1
