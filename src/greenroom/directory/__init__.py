"""Finding a coach: by words, topic, price and free time. Reads only, and has no tables of its own."""
