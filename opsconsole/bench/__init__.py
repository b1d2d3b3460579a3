"""Benchmarks that need servers and processes of their own; run by `manage.py bench`."""
