"""The AI door: what vendors' clients send and get, read exactly enough to bound, meter and price it. Pure."""
