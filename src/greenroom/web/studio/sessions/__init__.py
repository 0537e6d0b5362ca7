"""Sessions as their coach sees and runs them."""
