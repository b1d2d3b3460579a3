"""Benchmarks of the books. Each prints ratios to a baseline measured in the same run."""
