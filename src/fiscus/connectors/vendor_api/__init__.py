"""What the connectors of AI vendors' admin APIs share: one JSON request, and which of our errors each failure is."""
