"""A gateway that behaves like Stripe, with a pay page, play money and callbacks that come over HTTP."""
