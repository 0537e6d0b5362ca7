"""What changes the simulated Discord: the bot's calls, and what people and tests do by hand."""
