"""Due rows: what must happen later, planned in the transaction that caused it and run by whoever comes by."""
