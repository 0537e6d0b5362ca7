"""A student's own pages: a booking by its link, its session, all sessions."""
