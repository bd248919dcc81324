/*
title: Renewals ahead
persona: Procurement
question: Which contracts renew or end soon, and until when can they be ended?
reads: [purchases]
parameters:
  until: {type: day, default: 90 days ahead, about: The last day that is looked at}
columns: {Purchase: text, Vendor: text, Product: text, Team: text, Renewal: text, NoticeBy: day, Renews: day, BillingCurrency: currency, ContractValue: money}
chart: {label: Product, value: ContractValue}
*/
SELECT purchase_id AS Purchase, vendor AS Vendor, product AS Product, team AS Team, renewal AS Renewal, notice_by AS NoticeBy,
  renews AS Renews, currency AS BillingCurrency, contract_value AS ContractValue
FROM purchases
WHERE state = 'bought' AND kind = 'purchase' AND coalesce(notice_by, renews) <= CAST($until AS DATE)
ORDER BY coalesce(NoticeBy, Renews), BillingCurrency, ContractValue DESC, Purchase
