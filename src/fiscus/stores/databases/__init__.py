"""The two databases that stores write durable transactions to: SQLite and PostgreSQL, by their own drivers."""
