"""Pages of the noun profile."""
