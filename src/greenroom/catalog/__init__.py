"""What coaches sell: offers, their prices and durations, their rules and their intake questions."""
