-- Anomalies that touch the month or were found since; provider and environment are in `document`.
SELECT id, owner, team, service, start_day, end_day, impact, currency, document
FROM anomalies
WHERE end_day > $start AND start_day < $until
ORDER BY start_day, id
