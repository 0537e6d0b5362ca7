"""The outside world: one folder per vendor, each with what Greenroom needs, a real client and a sandbox."""
