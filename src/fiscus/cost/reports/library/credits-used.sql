/*
title: Credits used
persona: CFO
question: Which credits lowered our bills, and how much of the bill would be there without them?
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {ServiceProviderName: text, ChargeDescription: text, Month: month, BillingCurrency: currency, Credits: money}
chart: {label: Month, value: Credits, series: ServiceProviderName}
*/
SELECT ServiceProviderName, ChargeDescription, x_BillingMonth AS Month, BillingCurrency, -sum(BilledCost) AS Credits
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory = 'Credit'
GROUP BY ServiceProviderName, ChargeDescription, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, Credits DESC, ServiceProviderName, ChargeDescription
