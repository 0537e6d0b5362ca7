"""Entitlements: the one answer to "may this person use this?", by reference to what is used and to what gave it."""
