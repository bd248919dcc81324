/*
title: Purchases that nobody approved
persona: CFO
question: What was bought before anybody asked?
reads: [purchases]
columns: {Purchase: text, Vendor: text, Product: text, Team: text, RequestedBy: text, Starts: day, BillingCurrency: currency, ContractValue: money}
chart: {label: Product, value: ContractValue}
*/
SELECT purchase_id AS Purchase, vendor AS Vendor, product AS Product, team AS Team, requested_by AS RequestedBy, starts AS Starts,
  currency AS BillingCurrency, contract_value AS ContractValue
FROM purchases
WHERE state = 'bought' AND recorded
ORDER BY BillingCurrency, ContractValue DESC, Purchase
