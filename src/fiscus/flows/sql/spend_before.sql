-- Cost by one dimension over the days that a period is compared with.
SELECT {dimension} AS name, sum({metric}) AS cost
FROM {charges}
WHERE {where}
GROUP BY ALL
