"""Pages for everybody: coaches, choosing a time, paying."""
