"""What policies and detectors find in what is observed."""
