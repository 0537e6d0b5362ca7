"""The first page of the studio."""
