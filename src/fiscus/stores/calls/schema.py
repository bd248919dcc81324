"""The tables of AI calls: one text for both databases. Instants are ISO 8601 in UTC, to the microsecond: text sorts as time.

Money is only inside the documents, as integers and decimal text. A new version appends its statements; none is ever changed.
"""

from __future__ import annotations

from typing import Final

VERSIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE ai_calls (
            id TEXT PRIMARY KEY, at TEXT NOT NULL, upstream TEXT NOT NULL, key_id TEXT NOT NULL, decision_id TEXT NOT NULL,
            document TEXT NOT NULL
        ){clustered}""",
        "CREATE INDEX ai_calls_at ON ai_calls (at, id)",
        "CREATE INDEX ai_calls_upstream ON ai_calls (upstream, at, id)",
        "CREATE INDEX ai_calls_key ON ai_calls (key_id, at, id)",
        "CREATE INDEX ai_calls_decision ON ai_calls (decision_id)",
        """CREATE TABLE ai_units (
            kind TEXT NOT NULL, value TEXT NOT NULL, at TEXT NOT NULL, call_id TEXT NOT NULL,
            PRIMARY KEY (kind, value, at, call_id)
        ){clustered}""",
        """CREATE TABLE ai_hours (
            upstream TEXT NOT NULL, hour TEXT NOT NULL, changes BIGINT NOT NULL,
            PRIMARY KEY (upstream, hour)
        ){clustered}""",
        "CREATE TABLE ai_outcomes (id TEXT PRIMARY KEY, at TEXT NOT NULL, document TEXT NOT NULL){clustered}",
        "CREATE INDEX ai_outcomes_at ON ai_outcomes (at, id)",
    ),
    (
        """CREATE TABLE ai_batches (
            upstream TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (upstream, id)
        ){clustered}""",
    ),
    (  # rows lie as they came: a fresh id touches a page of ids, not a page of documents
        """CREATE TABLE ai_calls_3 (
            id TEXT PRIMARY KEY, at TEXT NOT NULL, upstream TEXT NOT NULL, key_id TEXT NOT NULL, decision_id TEXT NOT NULL,
            document TEXT NOT NULL
        )""",
        """INSERT INTO ai_calls_3 (id, at, upstream, key_id, decision_id, document)
            SELECT id, at, upstream, key_id, decision_id, document FROM ai_calls ORDER BY at, id""",
        "DROP TABLE ai_calls",
        "ALTER TABLE ai_calls_3 RENAME TO ai_calls",
        "CREATE INDEX ai_calls_at ON ai_calls (at, id)",
        "CREATE INDEX ai_calls_upstream ON ai_calls (upstream, at, id)",
        "CREATE INDEX ai_calls_key ON ai_calls (key_id, at, id)",
        "CREATE INDEX ai_calls_decision ON ai_calls (decision_id) WHERE decision_id <> id",
    ),
    ("CREATE TABLE ai_call_facts (id TEXT PRIMARY KEY, document TEXT NOT NULL){clustered}",),
)
