"""Whoever changes the evidence behind Fiscus's back is found out, whatever they change."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from tests.fixtures.company import open_company

from fiscus.flows.verify_evidence import EvidenceReport, export_checkpoint, verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.evidence import GENESIS

RECORDS = 24
COLUMNS = ("at", "kind", "subject", "actor", "proof", "body", "previous", "digest")
MUTATIONS = 300


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a chain and one checkpoint of it, to be copied and damaged."""
    home = tmp_path_factory.mktemp("whole")
    clock = SteppedClock(open_company(home).clock.now())
    ws = open_company(home, clock=clock)
    for n in range(RECORDS):
        clock.advance(timedelta(seconds=n + 1))
        with ws.state.begin() as tx:
            actor = Actor("ana") if n % 3 else FISCUS
            tx.evidence.append(f"kind.{n % 4}", f"subject-{n % 5}", actor, {"n": n, "text": f"é{n}", "list": [n, None]})
    assert verify_evidence(ws).ok
    with closing(sqlite3.connect(home / "state.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home


def damaged(whole: Path, home: Path, damage: Callable[[sqlite3.Connection], object]) -> EvidenceReport:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(whole, home)
    with closing(sqlite3.connect(home / "state.db")) as database:
        damage(database)
        database.commit()
    return verify_evidence(open_company(home))


class Tamperer:
    """One random change by raw SQL, of any kind that a person with the database's password can make."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.did = ""

    def __call__(self, database: sqlite3.Connection) -> None:
        ways = [
            self.change,
            self.remove,
            self.swap,
            self.cut,
            self.insert,
            self.renumber,
            self.move_head,
            self.one_character,
        ]
        way = self.chance.choice(ways)
        self.did = way.__name__
        way(database)

    def seq(self) -> int:
        return self.chance.randint(1, RECORDS)

    def change(self, database: sqlite3.Connection) -> None:
        column = self.chance.choice(COLUMNS)
        other = self.chance.choice(["", "x", "2026-01-01T00:00:00+00:00", "{}", GENESIS, '{"n": 1}'])
        database.execute(f"UPDATE evidence SET {column} = ? WHERE seq = ?", (other, self.seq()))

    def one_character(self, database: sqlite3.Connection) -> None:
        column, seq = self.chance.choice(COLUMNS), self.seq()
        text = database.execute(f"SELECT {column} FROM evidence WHERE seq = ?", (seq,)).fetchone()[0]
        place = self.chance.randrange(len(text) + 1)
        kept = text[place + 1 :] if self.chance.random() < 0.5 else text[place:]
        changed = text[:place] + self.chance.choice(" 0aZ\u00e9") + kept
        changed = changed if changed != text else text + " "
        database.execute(f"UPDATE evidence SET {column} = ? WHERE seq = ?", (changed, seq))

    def remove(self, database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM evidence WHERE seq = ?", (self.seq(),))

    def swap(self, database: sqlite3.Connection) -> None:
        first = self.chance.randint(1, RECORDS - 1)
        second = self.chance.randint(first + 1, RECORDS)
        for before, after in ((first, -1), (second, first), (-1, second)):
            database.execute("UPDATE evidence SET seq = ? WHERE seq = ?", (after, before))

    def cut(self, database: sqlite3.Connection) -> None:
        """The tail, and the head row with it, so that the database alone looks whole."""
        last = self.chance.randint(0, RECORDS - 1)
        database.execute("DELETE FROM evidence WHERE seq > ?", (last,))
        row = database.execute("SELECT digest FROM evidence WHERE seq = ?", (last,)).fetchone()
        database.execute("UPDATE evidence_head SET seq = ?, digest = ?", (last, row[0] if row else GENESIS))

    def insert(self, database: sqlite3.Connection) -> None:
        seq = self.chance.choice([0, -5, RECORDS + 1, RECORDS + 9])
        source = self.seq()
        names = ", ".join(COLUMNS)
        database.execute(
            f"INSERT INTO evidence (seq, {names}) SELECT ?, {names} FROM evidence WHERE seq = ?", (seq, source)
        )

    def renumber(self, database: sqlite3.Connection) -> None:
        database.execute("UPDATE evidence SET seq = ? WHERE seq = ?", (RECORDS + 100, self.seq()))

    def move_head(self, database: sqlite3.Connection) -> None:
        ways = [
            "UPDATE evidence_head SET seq = seq - 1",
            "UPDATE evidence_head SET digest = 'x'",
            "DELETE FROM evidence_head",
        ]
        database.execute(self.chance.choice(ways))


def test_every_single_mutation_is_found(whole: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(whole, home)
    ws, missed = open_company(home), []
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as database:
        database.execute("PRAGMA synchronous=OFF")
        for table in ("evidence", "evidence_head"):
            database.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
        for seed in range(MUTATIONS):
            tamperer = Tamperer(seed)
            tamperer(database)
            if verify_evidence(ws).ok:
                missed.append((seed, tamperer.did))
            for table in ("evidence", "evidence_head"):
                database.execute(f"DELETE FROM {table}")
                database.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
    assert missed == []
    assert verify_evidence(ws).ok


def test_a_chain_made_anew_by_who_owns_the_database_is_found_by_the_checkpoint(whole: Path, tmp_path: Path) -> None:
    def rewrite(database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM evidence")
        database.execute("UPDATE evidence_head SET seq = 0, digest = ?", (GENESIS,))

    damaged(whole, tmp_path / "copy", rewrite)
    ws = open_company(tmp_path / "copy")
    with ws.state.begin() as tx:
        for n in range(RECORDS):
            tx.evidence.append("kind", "all innocent", FISCUS, {"n": n})
    report = verify_evidence(ws)
    assert not report.ok
    assert [fault.seq for fault in report.breaks] == [RECORDS]
    assert "checkpoint" in report.breaks[0].reason


def test_a_whole_chain_verifies_and_leaves_one_checkpoint_a_head(whole: Path, tmp_path: Path) -> None:
    report = damaged(whole, tmp_path / "copy", lambda database: None)
    assert (report.ok, report.records, report.breaks, report.checkpoints_checked) == (True, RECORDS, (), 1)
    ws = open_company(tmp_path / "copy")
    with ws.state.begin() as tx:
        tx.evidence.append("kind", "one more", FISCUS, {})
    assert export_checkpoint(ws) == export_checkpoint(ws)
    assert verify_evidence(ws).checkpoints_checked == 2


@pytest.mark.parametrize("what", ["content", "signature", "removed", "key", "renamed"])
def test_a_checkpoint_that_was_touched_is_found(whole: Path, tmp_path: Path, what: str) -> None:
    home = tmp_path / "copy"
    shutil.copytree(whole, home)
    ws = open_company(home)
    with ws.state.begin() as tx:
        tx.evidence.append("kind", "one more", FISCUS, {})
    second = export_checkpoint(ws)
    assert second is not None
    first = min(second.parent.glob("*.json"))
    data = json.loads(first.read_text())
    if what == "content":
        first.write_text(json.dumps({**data, "digest": "0" * 64}))
    elif what == "signature":
        first.write_text(json.dumps({**data, "signature": "00" * 64}))
    elif what == "removed":
        first.unlink()
    elif what == "renamed":
        first.rename(first.with_name("000000000003.json"))
    else:
        (home / ".fiscus" / "keys" / "evidence.pub").unlink()
    assert not verify_evidence(ws).ok


def test_a_copy_of_checkpoints_kept_elsewhere_can_be_checked_against(whole: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(whole / ".fiscus" / "checkpoints", elsewhere)
    home = tmp_path / "copy"
    shutil.copytree(whole, home)
    for path in (home / ".fiscus" / "checkpoints").glob("*.json"):
        path.unlink()
    with closing(sqlite3.connect(home / "state.db")) as database:
        Tamperer(1).cut(database)
        database.commit()
    ws: Workspace = open_company(home)
    assert not verify_evidence(ws, checkpoints=elsewhere).ok


def test_the_signing_key_can_be_read_by_its_owner_only(whole: Path) -> None:
    key = whole / ".fiscus" / "keys" / "evidence.key"
    assert oct(key.stat().st_mode & 0o777) == "0o600"
