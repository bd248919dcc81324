"""Terraform plans: parsed by the documented format, priced, judged, and told as text, JSON, SARIF and Markdown. Pure."""
