"""Fields on grids: their memory, runs, measures and results."""
