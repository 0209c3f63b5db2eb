"""Turn answers and ratings into levels with honest intervals: numpy and the standard library only, no clock, no I/O."""
