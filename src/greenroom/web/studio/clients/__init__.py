"""Who books with a coach: the list, and one person with their history."""
