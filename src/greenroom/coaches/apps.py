"""Coaches as a Django app."""

from django.apps import AppConfig


class CoachesConfig(AppConfig):
    """Registers coaches and topics."""

    name = "greenroom.coaches"
    label = "coaches"
