"""The sandbox gateway as a Django app."""

from django.apps import AppConfig


class PaymentsSandboxConfig(AppConfig):
    """Registers the gateway's own tables."""

    name = "greenroom.integrations.stripe.sandbox"
    label = "payments_sandbox"
