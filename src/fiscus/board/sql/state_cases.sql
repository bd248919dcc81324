-- Cases under way, by who has them.
SELECT state, level, severity, amount, currency, opened_at FROM cases WHERE state <> 'closed' ORDER BY opened_at, id
