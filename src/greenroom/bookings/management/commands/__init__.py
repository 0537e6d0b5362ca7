"""Commands of the availability app."""
