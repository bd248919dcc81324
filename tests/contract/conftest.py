"""Real components for the contract suites."""

from tests.fixtures.postgres import postgres_database, postgres_server, postgres_url

__all__ = ["postgres_database", "postgres_server", "postgres_url"]
