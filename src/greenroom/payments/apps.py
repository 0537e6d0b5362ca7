"""Payments as a Django app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Registers attempts, events, refunds and the ledger."""

    name = "greenroom.payments"
    label = "payments"
