"""Who calls AI with which key, what it costs, and what became of the last calls. Never a prompt, never a key's digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.types import AiCall
from fiscus.flows.show_calls import CallShown, shown_call
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.ai.ports import KeyStore
from fiscus.guardrails.doors.ai.types import VirtualKey
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import ZERO, display, total
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

LOOKED_AT: Final = 1_000  # the newest calls, which the sentence and the figures are of
CALLS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key that opens something. `month`: currency -> what its calls cost this month, as the last run wrote them."""

    id: str
    shown: str
    name: str
    owner: str
    team: str
    environment: str
    product: str
    models: tuple[str, ...]
    expires_at: datetime | None
    month: dict[str, Decimal]
    last_at: datetime | None  # of the newest calls that are looked at


@dataclass(frozen=True, slots=True)
class AiKeysShown:
    """Keys by what they cost, and the newest calls. Sums are of the `looked_at` newest calls and exact, by currency."""

    trust: DataTrust
    sentence: str
    keys: tuple[KeyLine, ...]
    calls: tuple[CallShown, ...]
    looked_at: int
    cost: dict[str, Decimal]
    refused: int
    degraded: int
    estimated: int
    key: str  # whose calls these are; empty: everybody's


def show_ai_keys(ws: Workspace, keys: KeyStore, key_id: str = "", trust: DataTrust | None = None) -> AiKeysShown:
    """`key_id`: only the calls of that key. Raises NotFound for a key that was never issued."""
    issued = keys.everything()
    if key_id and key_id not in {one.id for one in issued}:
        raise NotFound(f"There is no key {key_id!r}", remedy="`fiscus key list` shows them.")
    newest = ws.calls.newest(LOOKED_AT, key_id or None)
    shown = [shown_call(call) for call in newest]
    refused = sum(call.state == "refused" for call in newest)
    degraded = sum(call.verdict == "degrade" for call in newest)
    cost = {one: _sum(shown, one) for one in sorted({call.currency for call in shown})}
    return AiKeysShown(
        trust=trust or data_trust(ws),
        sentence=_sentence(newest, cost, refused, degraded),
        keys=_keys(ws, issued, newest),
        calls=tuple(shown[:CALLS_SHOWN]),
        looked_at=len(newest),
        cost=cost,
        refused=refused,
        degraded=degraded,
        estimated=sum(call.state in {"estimated", "unknown"} for call in newest),
        key=key_id,
    )


def _keys(ws: Workspace, issued: Sequence[VirtualKey], newest: Sequence[AiCall]) -> tuple[KeyLine, ...]:
    """Those that open something, the dearest first."""
    now = ws.clock.now()
    since = midnight(ws.as_of.replace(day=1))
    spent: dict[str, dict[str, Decimal]] = {}
    for key_id, currency, cost in ws.lake.query(sql_text("fiscus.flows", "ai_keys_this_month"), {"since": since}).rows:
        spent.setdefault(str(key_id), {})[str(currency)] = Decimal(str(cost))
    last: dict[str, datetime] = {}
    for call in newest:
        last.setdefault(call.key_id, call.at)
    lines = [
        KeyLine(
            one.id, one.shown, one.name, one.owner, one.team, one.environment, one.product, one.models, one.expires_at,
            spent.get(one.id, {}), last.get(one.id),
        )
        for one in issued
        if one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (-max(line.month.values(), default=ZERO), line.name, line.id)))


def _sentence(newest: Sequence[AiCall], cost: dict[str, Decimal], refused: int, degraded: int) -> str:
    if not newest:
        return "No call has gone through the gateway yet."
    many = f"The last {len(newest):,} calls" if len(newest) > 1 else "The only call"
    money = " and ".join(f"{display(amount, 6)} {currency}" for currency, amount in cost.items())
    said = [f"{many} cost {money}"]
    if refused:
        said.append(f"{refused:,} {'was' if refused == 1 else 'were'} refused before anything was spent")
    if degraded:
        said.append(f"{degraded:,} got a cheaper answer")
    return f"{'; '.join(said)}."


def _sum(shown: Sequence[CallShown], currency: str) -> Decimal:
    return total([one.cost for one in shown if one.currency == currency])
