"""What the coach asks for an hour."""
