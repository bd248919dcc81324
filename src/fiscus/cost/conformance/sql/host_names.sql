-- A host that is the vendor itself, in another spelling.
-- columns: HostProviderName ServiceProviderName
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    HostProviderName || ' is ' || ServiceProviderName AS what
FROM delivery WHERE HostProviderName <> ServiceProviderName
    AND lower(regexp_replace(HostProviderName, '[^A-Za-z0-9]', '', 'g')) = lower(regexp_replace(ServiceProviderName, '[^A-Za-z0-9]', '', 'g'))
GROUP BY HostProviderName, ServiceProviderName
