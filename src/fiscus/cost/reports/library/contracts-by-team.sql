/*
title: Contracts by team
persona: Procurement
question: What has each team promised to pay, and to whom?
reads: [purchases]
columns: {Team: text, Vendor: text, BillingCurrency: currency, Contracts: count, ContractValue: money}
chart: {label: Team, value: ContractValue}
*/
SELECT team AS Team, vendor AS Vendor, currency AS BillingCurrency, count(*) AS Contracts, sum(contract_value) AS ContractValue
FROM purchases
WHERE state = 'bought'
GROUP BY team, vendor, currency
ORDER BY BillingCurrency, ContractValue DESC, Team, Vendor
