/*
title: Commitments that end
persona: CFO
question: Which commitments end soon, and what was promised for them?
reads: [purchases]
parameters:
  until: {type: day, default: 180 days ahead, about: The last day that is looked at}
columns: {Commitment: text, Vendor: text, Product: text, Team: text, Starts: day, Ends: day, TermMonths: count, BillingCurrency: currency, ContractValue: money}
chart: {label: Product, value: ContractValue}
*/
SELECT purchase_id AS Commitment, vendor AS Vendor, product AS Product, team AS Team, starts AS Starts, ends AS Ends,
  term_months AS TermMonths, currency AS BillingCurrency, contract_value AS ContractValue
FROM purchases
WHERE kind = 'commitment' AND state = 'bought' AND ends <= CAST($until AS DATE)
ORDER BY Ends, BillingCurrency, ContractValue DESC, Commitment
