"""The state store: cases, findings, decisions, actions and evidence in SQLite or PostgreSQL."""

from fiscus.stores.state.store import SqlState, open_state

__all__ = ["SqlState", "open_state"]
