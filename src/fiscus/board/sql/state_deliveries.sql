-- Deliveries, newest first; quality findings and the totals of each billing month are in `document`.
SELECT id, source, at, rows, changed, document FROM deliveries ORDER BY seq DESC
