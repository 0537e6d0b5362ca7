"""The mailbox into which the demo's mail falls."""
