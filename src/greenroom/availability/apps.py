"""Availability as a Django app."""

from django.apps import AppConfig


class AvailabilityConfig(AppConfig):
    """Registers schedules, overrides and blackouts."""

    name = "greenroom.availability"
    label = "availability"
