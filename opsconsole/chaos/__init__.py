"""Proof under fire: a platform of its own, seeded accidents, and an oracle that looks from outside (docs/chaos.md)."""
