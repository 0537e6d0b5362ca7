"""Payments by hand about which the coach decides."""
