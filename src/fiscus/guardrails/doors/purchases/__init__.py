"""Door 3: marketplace and SaaS purchases, looked into, decided, and kept with their renewal."""
