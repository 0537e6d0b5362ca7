"""What the coach sells."""
