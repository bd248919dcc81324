/*
title: What accounts are, at each provider
persona: FinOps
question: What does each provider call a billing account and a subaccount, and which are there?
use_case: understand-the-billing-account-or-sub-account-entity
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, BillingAccountType: text, BillingAccountId: text, BillingAccountName: text, SubAccountType: text, SubAccounts: count, Charges: count}
*/
SELECT ServiceProviderName, BillingAccountType, BillingAccountId, BillingAccountName, SubAccountType,
  count(DISTINCT SubAccountId) AS SubAccounts, count(*) AS Charges
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ServiceProviderName, BillingAccountType, BillingAccountId, BillingAccountName, SubAccountType
ORDER BY ServiceProviderName, BillingAccountId, BillingAccountType, SubAccountType, BillingAccountName
