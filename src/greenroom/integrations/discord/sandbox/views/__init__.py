"""The simulated Discord's HTTP face."""
