"""Settings, addresses and the tables that tie the apps together. No app imports this package."""
