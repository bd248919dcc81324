"""A limit on everything, in one place, each with its reason. Units stand last in the name."""

from typing import Final

# Ingest. A bill larger than this is split by its vendor; a small file that inflates past the ratio is an attack or a fault.
INPUT_COLUMNS_MAX: Final = 1_000
INPUT_FIELD_BYTES_MAX: Final = 2_000_000
INPUT_INFLATION_RATIO_MAX: Final = 200
INPUT_INFLATED_FREE_BYTES: Final = 256 * 1024**2  # below this, any ratio is harmless
INPUT_LOADS_AT_ONCE: Final = 2  # files of one delivery that are converted at the same time
INPUT_ALONE_BYTES_MIN: Final = 8_000_000  # a file of so many bytes is converted by itself
INPUT_COMPARED_ROWS_MAX: Final = 3_000_000  # of a larger delivery it is not looked whether rows stand there twice
INPUT_FILES_MAX: Final = 10_000
DELIVERY_SHRINK_PERCENT_MAX: Final = 20  # a larger cut of a period's rows or cost needs --restate

# SQL from people: what a shared machine can lose to one query.
QUERY_SECONDS_MAX: Final = 60
QUERY_MEMORY_MB_MAX: Final = 2_048
QUERY_MARGIN_MB: Final = 1_024  # what the rest of the process may map meanwhile: threads' heaps, other requests
QUERY_ROWS_SHOWN_MAX: Final = 1_000
QUERY_CELLS_MAX: Final = 30_000_000  # rows times columns of one answer: some two gigabytes of Python objects
ANSWER_CELLS_KEPT_MAX: Final = 20_000  # a larger answer is not kept for who asks the same version again
ANSWERS_CELLS_KEPT_MAX: Final = 500_000  # together: some sixty megabytes
REPORTS_MAX: Final = 500  # of a workspace's own; each is proven when they are listed
EXPORT_MEMORY_MB_MAX: Final = 1_500  # what writes a file of any length may hold

# The lake. Two writers on one table retry; more than this means something is stuck.
COMMIT_RETRIES_MAX: Final = 20
PLACING_HOURS_MAX: Final = 24  # a delivery that puts its files into the lake for longer is given up
# A lake in an object store: a store that hangs is an error within a minute, not a process that waits.
STORE_CONNECT_SECONDS_MAX: Final = 5
STORE_REQUEST_SECONDS_MAX: Final = 20  # of one try
STORE_TRIES_MAX: Final = 3
STORE_AT_ONCE: Final = 8  # logs that are looked at side by side
STORE_BLOCK_BYTES: Final = 256 * 1024  # what is read of a file at a time, and kept
STORE_KEPT_BYTES_MAX: Final = 20 * 10**9  # blocks kept on this machine; what was used longest ago goes first

# Documents. A policy file is read by people; larger is generated and belongs in several.
DOCUMENT_BYTES_MAX: Final = 1_000_000
DOCUMENT_DEPTH_MAX: Final = 40

# Policy conditions.
CONDITION_CHARS_MAX: Final = 4_000
CONDITION_NODES_MAX: Final = 500

# Gates. A plan of ten thousand resources is some 30 MB; larger ones are several changes.
PLAN_BYTES_MAX: Final = 50_000_000
PLAN_CHANGES_MAX: Final = 10_000
MANIFEST_BYTES_MAX: Final = 10_000_000
MANIFEST_OBJECTS_MAX: Final = 10_000

# Admission. The API server gives up after timeoutSeconds (2 in our manifest): the answer must be there before.
ADMISSION_SECONDS_MAX: Final = 1.5  # from the first byte; what is not judged by then is answered by the failure policy
ADMISSION_BODY_BYTES_MAX: Final = 8_000_000  # an object and its old self; etcd holds 1.5 MB of each
WORKLOAD_PODS_MAX: Final = 1_000_000  # of one workload; Kubernetes is made for 150,000 in a cluster
ADMISSION_AT_ONCE_MAX: Final = 16  # judged at the same time; the others wait, within their own time
ADMISSION_REFRESH_SECONDS: Final = 30  # how often new bills, new settings and a new certificate are looked for

# Actions: blast radius, on by default.
ACTIONS_PER_RUN_MAX: Final = 20
ACTION_TARGETS_MAX: Final = 10
ACTION_APPROVAL_HOURS: Final = 72
ACTION_RUN_MINUTES: Final = 60  # a "run" of the per-run belts: what was sent within this time counts together
ACTION_LEASE_SECONDS: Final = (
    120  # an executor that said nothing for so long is dead; longer than a vendor call can take
)
ACTION_REPROPOSE_DAYS: Final = 14  # after a person said no, or undid it
ACTION_RETRY_HOURS: Final = 24  # after it failed
ACTION_UNKNOWN_MINUTES_MAX: Final = 15  # an outcome unknown for longer is a person's business
ACTION_ERRORS_MIN: Final = 3  # fewer errors prove nothing, whatever their share
ACTION_SAVING_DAYS: Final = 7  # full days of bills before the action that its saving is measured against

# Calls to vendors that change something: short, and less than the lease together.
VENDOR_CONNECT_SECONDS_MAX: Final = 5
VENDOR_READ_SECONDS_MAX: Final = 20
VENDOR_ANSWER_BYTES_MAX: Final = 64 * 2**20
VENDOR_PAGES_MAX: Final = 1_000

# Cases and notices. A mail server that hangs must not hold the loop; a storm of cases must not hide the large ones.
NOTICE_SECONDS_MAX: Final = 10
NOTICE_SUBJECT_CHARS_MAX: Final = 200
NOTICE_CASES_SHOWN_MAX: Final = 20  # in one mail; the rest are counted, with the command that lists them
NOTICES_PER_RUN_MAX: Final = 2_000
NOTICE_FAILURES_IN_A_ROW_MAX: Final = 3  # then the channel is down: the rest waits for the next run
NOTICES_APART_MAX: Final = 5  # more for one person in one run come as one, largest money first
CASE_REOPEN_GROWTH_PERCENT: Final = 10  # a closed case whose money grows by more was not settled
CASE_FRESH_ROUND_DAYS: Final = 30  # closed for longer, a case that comes back starts with its owner again
CASE_ANOMALY_DAYS: Final = 30  # an anomaly that ended longer ago is history: its month is closed
CASE_RUNNING_DAYS: Final = 2  # bills come a day or two late: an anomaly that ended within this may still be running
CASE_REPAIRED_ROWS_PERCENT: Final = 1  # fewer irregular rows in a delivery are shown, not escalated

# Severity of a case: money at stake, in the units of its own currency, from which it is medium, high and critical.
CASE_MEDIUM_AMOUNT: Final = 500
CASE_HIGH_AMOUNT: Final = 5_000
CASE_CRITICAL_AMOUNT: Final = 50_000

# Policy conditions, further: what keeps one evaluation short whatever the text says.
CONDITION_DEPTH_MAX: Final = 40
CONDITION_LIST_ITEMS_MAX: Final = 400
CONDITION_PATTERN_WEIGHT_MAX: Final = 500  # all patterns of a condition together (pattern_weight.py)
MATCHED_TEXT_CHARS_MAX: Final = 2_048  # a longer text has no answer to matches(); an ARN has at most so many
EVALUATION_MS_MAX: Final = 100  # what the bounds above add up to at most; tests/promises/test_p9 measures it
FACT_TEXT_CHARS_MAX: Final = 100_000  # a longer text in an intent is refused at the door
INTENT_TAGS_MAX: Final = 200  # of a resource that is asked for; AWS has 50, Azure 50, Google Cloud 64 labels
OPTIONS_MAX: Final = 20  # cheaper ways that one decision looks at, those that save most; each is asked of every policy
POLICIES_MAX: Final = 2_000
POLICIES_PER_PASS_MAX: Final = 250  # asked of the charges by one query: more, and its plan costs more than another pass
BUDGETS_MAX: Final = 10_000
INVOICES_MAX: Final = 20_000  # judged by policies in one run, the newest months first
FINDINGS_PER_POLICY_MAX: Final = 50  # the largest are shown one by one; the rest is one finding with their sum

# The web. A form or an intent is small; pages that were built are kept for a while.
WEB_BODY_BYTES_MAX: Final = 1_000_000
WEB_TOKEN_SECONDS_MAX: Final = 12 * 3600  # a form left open for longer is opened again
SHOWN_KEPT_MAX: Final = 200
BUDGET_SCOPE_COMBINATIONS_MAX: Final = 1_000  # values of one scope's dimensions multiplied: each is a row of a join
FINDING_RESOURCES_MAX: Final = 200  # resource ids of one finding, the most expensive; an action takes fewer
BILLING_OPEN_DAYS: Final = 5  # a billing month still changes for so long after its end: vendors close their books

# Bills, further: a Parquet file can name a thousand million equal rows in a few bytes.
INPUT_ROWS_FREE: Final = 1_000_000  # below this many rows, any Parquet file is harmless
INPUT_ROWS_PER_BYTE_MAX: Final = 4
OBJECT_BYTES_MAX: Final = 200 * 10**9  # of one delivery out of an object store
INPUT_PAGE_BYTES_MAX: Final = 128 * 1024**2  # unpacked; writers aim at one megabyte

# Approvals. Whoever asks in a loop must not bury the people who decide.
APPROVALS_WAITING_PER_REQUESTER_MAX: Final = 50
APPROVAL_ROUTED_MAX: Final = 5  # people who are sent a mail about one approval at once; more may say yes
APPROVAL_NOTE_CHARS_MAX: Final = 2_000
APPROVAL_CLAIM_SECONDS: Final = 120  # a decision that was not given so long after it claimed an approval is none
LINK_CHARS_MAX: Final = 2_000  # a longer text is no link of ours

# Backtests: what of a long history is shown one by one, and how far back one may look.
BACKTEST_LARGEST_SHOWN: Final = 20
BACKTEST_MONTHS_MAX: Final = 36
BACKTEST_DECISIONS_MAX: Final = 50_000  # of the newest decisions; more are said to be left out
BACKTEST_INTENTS_MAX: Final = 500_000  # history asked as intents of one kind, some 20 s; more are said to be left out

# Commitments and purchases, before they are bought.
COMMITMENT_HISTORY_DAYS: Final = 90  # of usage that a commitment is judged on
COMMITMENT_HISTORY_DAYS_MIN: Final = 14  # fewer say nothing about months
COMMITMENT_STANDING_DAYS: Final = 28  # what a commitment costs a day is averaged over its last four weeks
COMMITMENT_EXPIRY_AHEAD_DAYS: Final = 60  # a finding says so long before that a commitment ends
CREDITS_AHEAD_DAYS: Final = 45  # a finding says so long before that a prepaid balance runs out, or is lost
CREDITS_BURN_DAYS: Final = 28  # what a balance loses a day is averaged over its last four weeks
CREDITS_HISTORY_DAYS: Final = 365  # of use that the forecast of a balance learns from
PRICE_CHANGES_MONTHS: Final = 3  # whole months in which a change of a unit price is news
PRICE_HISTORY_MONTHS_MAX: Final = 60
SEEN_TWICE_DAYS: Final = 730  # of charges in which the same spend is looked for in two feeds
PURCHASE_HISTORY_DAYS: Final = 365  # of bills that say what is bought already
RENEWAL_AHEAD_DAYS: Final = 60  # a case is opened so long before notice is due
RENEWAL_URGENT_DAYS: Final = 14  # and is a step more urgent so long before

# Conformance: what a check may hold in memory; a larger delivery spills to disk.
CHECK_MEMORY_MB_MAX: Final = 1_500
CHECK_AMOUNT_MAX: Final = 10**18  # any number of amounts below it add up in DECIMAL(38,12); from it on they may not

# Allocation of shared cost.
ALLOCATION_RULES_MAX: Final = 200  # their chains are solved exactly; what so many say, fewer can
ALLOCATION_INPUT_BYTES_MAX: Final = 20_000_000  # a telemetry or OpenCost file: aggregated, not raw
RATE_FILE_BYTES_MAX: Final = 10_000_000  # the ECB's whole history since 1999 is under one
