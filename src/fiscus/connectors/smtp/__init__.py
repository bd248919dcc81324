"""Mail: handing a notice to an SMTP server, and a real SMTP server for this machine."""
