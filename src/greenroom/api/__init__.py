"""The JSON API, version 1, and the doors for machines: cron and webhooks."""
