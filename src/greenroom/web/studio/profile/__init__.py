"""Who the coach is in public, and their Discord connection."""
