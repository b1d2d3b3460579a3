"""Benchmarks: figures as ratios to a baseline measured in the same run.

Each module of this package with a function `run(args: argparse.Namespace) -> Report` is a benchmark
of that name; `add_arguments(parser)` is optional. Nothing here judges: the wanted figures are in
docs/benchmarks.md.
"""
