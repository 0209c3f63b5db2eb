"""Use cases: each service does what one noun is for, inside the transaction of a Unit."""
