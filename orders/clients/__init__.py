"""One module per neighbour. Nothing here raises for what a neighbour does; see `Outcome`."""
