"""`base` is complete; `test` overrides little; production differs by environment only."""
