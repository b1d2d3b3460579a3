"""Why an order hangs: evidence gathered in batch, small pure rules, one cause, one safe next step."""
