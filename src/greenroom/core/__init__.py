"""What every app may use: clock, money, ids, audit, encryption, constraints, rate limits, errors."""
