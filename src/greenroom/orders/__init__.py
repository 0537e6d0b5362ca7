"""Orders: what was bought at once, frozen when it was shown and accepted, and what happens when its money moves."""
