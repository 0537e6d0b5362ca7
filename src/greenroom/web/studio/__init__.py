"""The coach's back office: today, sessions, hours, offers, profile."""
