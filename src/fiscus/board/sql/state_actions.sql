-- Every action with its state; what was verified is in `document`.
SELECT id, state, kind, saving_per_month, currency, requested_by, approved_by, expires_at, document FROM actions ORDER BY seq
