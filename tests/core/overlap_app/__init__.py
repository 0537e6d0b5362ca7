"""A small app with one no-overlap constraint; only the tests of `core.constraints` install it."""
