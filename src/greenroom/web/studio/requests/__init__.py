"""Answering a request: from the mail, without signing in, or from the studio."""
