"""People: users, sign-in, their time zone and their linked Discord identity."""
