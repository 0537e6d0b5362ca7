"""Coaching sessions and the seats in them: holds, bookings, changes, and what became of them."""
