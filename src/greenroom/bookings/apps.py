"""Bookings as a Django app."""

from django.apps import AppConfig


class BookingsConfig(AppConfig):
    """Registers coaching sessions and bookings."""

    name = "greenroom.bookings"
    label = "bookings"
