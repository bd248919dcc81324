-- Open findings, by cause.
SELECT kind, id, owner, amount, currency, first_seen, document FROM findings WHERE state = 'open' ORDER BY kind, id
