"""The ledger's tables: one text for both databases. Amounts are text (nano-units of any size), instants and days ISO 8601.

No arithmetic is done in SQL, so nothing rounds or overflows. A new version appends its statements; none is ever changed.
`{clustered}` makes SQLite keep the rows in the key itself: one page written a row, not two.
"""

from __future__ import annotations

from typing import Final

VERSIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE ledger_head (
            one BIGINT PRIMARY KEY, seq BIGINT NOT NULL, digest TEXT NOT NULL, at TEXT NOT NULL,
            frozen TEXT NOT NULL, billed TEXT NOT NULL
        )""",
        """CREATE TABLE ledger_accounts (
            id TEXT PRIMARY KEY, budget_id TEXT NOT NULL, period TEXT NOT NULL, currency TEXT NOT NULL, cap TEXT,
            amount TEXT NOT NULL, actual TEXT NOT NULL, estimated TEXT NOT NULL, unbilled TEXT NOT NULL, held TEXT NOT NULL,
            committed TEXT NOT NULL, billed_until TEXT, frozen BIGINT NOT NULL
        ){clustered}""",
        """CREATE TABLE ledger_holds (
            id TEXT PRIMARY KEY, state TEXT NOT NULL, currency TEXT NOT NULL, bound TEXT NOT NULL, settled TEXT NOT NULL,
            expires_at TEXT NOT NULL, document TEXT NOT NULL
        ){clustered}""",
        "CREATE INDEX ledger_holds_open ON ledger_holds (expires_at) WHERE state = 'held'",
        """CREATE TABLE ledger_days (
            account TEXT NOT NULL, provider TEXT NOT NULL, day TEXT NOT NULL, nature TEXT NOT NULL, amount TEXT NOT NULL,
            PRIMARY KEY (account, provider, day, nature)
        ){clustered}""",
        """CREATE TABLE ledger_requests (
            id TEXT PRIMARY KEY, digest TEXT NOT NULL, decision_id TEXT NOT NULL, hold_id TEXT NOT NULL
        ){clustered}""",
        "CREATE TABLE ledger_decisions (id TEXT PRIMARY KEY, seq BIGINT NOT NULL){clustered}",
        """CREATE TABLE ledger_overruns (
            seq BIGINT NOT NULL, hold_id TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL,
            PRIMARY KEY (seq, hold_id)
        )""",
        """CREATE TABLE ledger_rulebooks (id TEXT PRIMARY KEY, document TEXT NOT NULL)""",
        """CREATE TABLE ledger_evidence (
            seq BIGINT PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
            proof TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
        )""",
    ),
    ("ALTER TABLE ledger_accounts ADD COLUMN by_bills BIGINT NOT NULL DEFAULT 1",),
    (  # the newest record that the other tables say: see locked_ledger.py
        "ALTER TABLE ledger_head ADD COLUMN tabled BIGINT NOT NULL DEFAULT 0",
        "UPDATE ledger_head SET tabled = seq",
    ),
    (  # SQLite kept an index beside the evidence, one page more a commit
        "ALTER TABLE ledger_evidence RENAME TO ledger_evidence_before",
        """CREATE TABLE ledger_evidence (
            seq {numbered} PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
            proof TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
        )""",
        "INSERT INTO ledger_evidence SELECT * FROM ledger_evidence_before",
        "DROP TABLE ledger_evidence_before",
    ),
    # PostgreSQL compressed each record and moved it out: half the time of writing it
    ("ALTER TABLE ledger_evidence {inline}",),
    (  # a hold that nothing happened to is two numbers, and no row: see reserved_holds.py
        "CREATE TABLE ledger_reserved (id TEXT PRIMARY KEY, told BIGINT NOT NULL){clustered}",
        "CREATE TABLE ledger_due (told {numbered} PRIMARY KEY, expires_at TEXT NOT NULL)",
        "CREATE INDEX ledger_due_at ON ledger_due (expires_at)",
    ),
    (),  # for a day version 6 was two: a ledger that took both steps is at 7, and the same
)
