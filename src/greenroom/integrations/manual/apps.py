"""Payments by hand as a Django app."""

from django.apps import AppConfig


class ManualPaymentsConfig(AppConfig):
    """Registers the tables of payments by hand."""

    name = "greenroom.integrations.manual"
    label = "payments_manual"
