"""Pages of the noun portfolio."""
