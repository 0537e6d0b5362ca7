"""A Discord server inside Greenroom: Discord's wire format, limits and permissions, for demos and tests."""
