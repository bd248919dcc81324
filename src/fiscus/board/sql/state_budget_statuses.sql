-- Where each budget stood when it was judged last; owner, quantiles, P(breach) and its day are in `document`.
SELECT budget_id, period_label, as_of, state, amount, actual, forecast_p50, currency, document
FROM budget_statuses
WHERE run_id = (SELECT run_id FROM budget_statuses WHERE seq = (SELECT max(seq) FROM budget_statuses))
ORDER BY seq
