"""Pages about the person: signing in and out, passwords, and connecting Discord."""
