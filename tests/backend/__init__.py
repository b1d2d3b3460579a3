"""PostgreSQL as always, except that `transaction=True` tests can empty append-only tables."""
