/*
title: AI spend by key and user
persona: Engineering
question: Which API key, and who behind it, spends on AI?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  top: {type: integer, default: 100, about: So many of each currency}
columns: {ServiceProviderName: text, Key: text, User: text, Team: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: Key, value: EffectiveCost}
*/
SELECT ServiceProviderName, x_AiKey AS Key, x_AiUser AS User, x_Team AS Team, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND x_AiKey IS NOT NULL
GROUP BY ServiceProviderName, x_AiKey, x_AiUser, x_Team, BillingCurrency
QUALIFY row_number() OVER (
  PARTITION BY BillingCurrency ORDER BY sum(EffectiveCost) DESC, x_AiKey, x_AiUser, x_Team, ServiceProviderName) <= $top
ORDER BY BillingCurrency, EffectiveCost DESC, Key, User, Team, ServiceProviderName
