"""Incidents replayed: what the world did to each order is known beforehand, and compared afterwards."""
