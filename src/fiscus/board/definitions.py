"""What the words of a pack mean. docs/reference/pack.md says the same at length, with formulas."""

from __future__ import annotations

from typing import Final

DEFINITIONS: Final = (
    ("Spend", "Sum of EffectiveCost of charges that start in the month, before the as-of day; every charge category."),
    ("As of", "Charges of days before it are actuals. A month that contains it is partial and says so."),
    ("≈", "An estimate or a forecast. Numbers without the mark are actuals; the workbook holds 15 significant digits of them."),
    ("(1,234)", "A negative number."),
    ("Month before", "The same number of days of the month before while the month runs; the whole month when it is over."),
    ("Company budget", "The monthly budget without a scope, in the company's currency; it says whether tax and credits count."),
    ("Month-end forecast", "Actual days plus simulated days: median, 10th and 90th percentile of the paths; no month-end tax."),
    ("P(breach)", "Share of simulated paths whose period total is over the budget's amount."),
    ("Owned spend", "Spend of charges that an assignment rule gave to a live person or team, of all spend."),
    ("Uncontrolled spend", "Spend in no scoped budget, and no AI use or marketplace purchase that an enforced policy judges."),
    ("AI, a million tokens", "EffectiveCost over ConsumedQuantity of AI usage charges measured in tokens, times a million."),
    ("Cost per outcome", "Spend of the outcome's scope over its volume, of the newest whole month that has one."),
    ("Change by volume, by price", "Volume: change of volume at the old price. Price: the rest. They add up to the change."),
    ("Anomaly", "Days on which an owner's use of a service cost more than its expected band; excess: over the expected."),
    ("Money at risk", "Amounts of open findings by cause. Causes overlap and are never added."),
    ("Savings verified", "Daily mean before an action less the one after it, by a later bill, times 30; while it stands."),
    ("Control", "A policy or safety belt. It works when its last test passed; one that was never tested is not said to work."),
    ("Tie-out", "BilledCost in the lake minus the sum that the deliveries brought; zero means equal to the last digit."),
)  # fmt: skip
