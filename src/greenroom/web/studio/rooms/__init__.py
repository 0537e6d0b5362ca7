"""The rooms of a coach's sessions."""
