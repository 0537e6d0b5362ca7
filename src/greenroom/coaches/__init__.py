"""Coaches: who they are, what they coach, and whether they can be booked."""
