"""Money moving at a gateway: attempts, callbacks, refunds and the ledger. Orders are known by reference only."""
