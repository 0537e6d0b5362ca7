"""Views of signing in and of connecting Discord."""
