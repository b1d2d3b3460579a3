"""Customers with a seed, who order, pay, change their minds and travel: the same ones in every run."""
