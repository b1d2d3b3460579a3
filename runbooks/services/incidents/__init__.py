"""What is done with an incident: opening, leading, telling, ending.

`opening` is what alerts and people call; `leading` the verbs of those who respond; `clocks` and `watching` are
the ticker's.
"""
