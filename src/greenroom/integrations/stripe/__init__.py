"""Payments by redirect to the gateway's own page: what Greenroom needs, and the sandbox that plays the gateway."""
