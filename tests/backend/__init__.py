"""PostgreSQL as always, except that it is emptied quickly between tests, append-only tables too."""
