"""Signed webhooks: posting a notice, and a real receiver that checks signatures for this machine."""
