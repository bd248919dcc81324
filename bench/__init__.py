"""Benchmarks: `python -m bench.NAME [--quick] [--json]` prints ratios against a named peer, measured in the same run."""
