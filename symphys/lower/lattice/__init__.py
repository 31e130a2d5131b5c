"""From fields on grids to programs: sites, steps of every method, and what is measured."""
