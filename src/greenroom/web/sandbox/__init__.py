"""The sandbox's console: what is simulated, and the means to look at it, move its clock and break it."""
