"""Bugs for the running application, one at a time, and the stories that bring each to light (docs/adr/0051)."""
