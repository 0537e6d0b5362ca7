"""Greenroom: booking, payment and private rooms for people who coach."""
