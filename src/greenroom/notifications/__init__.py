"""Messages to people: planned for a time, built when they are sent, sent at most once."""
