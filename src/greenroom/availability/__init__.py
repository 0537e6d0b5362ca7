"""When a coach can be booked: schedules, overrides, blackouts, imported calendars and the slot engine."""
