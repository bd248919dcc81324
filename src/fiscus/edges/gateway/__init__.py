"""The AI gateway: a reverse proxy that lets nothing out without money behind it. Thin: what it decides is asked of flows."""
