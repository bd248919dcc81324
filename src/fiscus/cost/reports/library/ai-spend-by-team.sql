/*
title: AI spend by team
persona: Owner
question: Which teams spend on AI, and on which vendor?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Team: text, Owner: text, ServiceProviderName: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: Team, value: EffectiveCost}
*/
SELECT x_Team AS Team, x_Owner AS Owner, ServiceProviderName, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last
  AND (x_AiModel IS NOT NULL OR ServiceSubcategory = 'Generative AI' OR ServiceCategory = 'AI and Machine Learning')
GROUP BY x_Team, x_Owner, ServiceProviderName, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, Team, Owner, ServiceProviderName
