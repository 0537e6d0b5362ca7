"""Payments by hand: what the payer's, the coach's and the staff's pages share."""
