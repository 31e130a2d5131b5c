"""Measurements against the fastest peers, side by side: `python -m benchmarks [row ...]`."""
