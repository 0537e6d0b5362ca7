"""Rooms: a private Discord channel per coaching session, made, opened and closed by the clock."""
