"""The gateway at which new payments begin; `config.wiring` names it."""

from django.core.exceptions import ImproperlyConfigured

from greenroom.integrations.stripe.protocol import PaymentGateway

_wired: PaymentGateway | None = None


def use(gateway: PaymentGateway | None) -> None:
    """Wire the gateway, or none."""
    global _wired  # noqa: PLW0603 -- the one wired value of this module
    _wired = gateway


def current() -> PaymentGateway:
    """Return the wired gateway. Raises: ImproperlyConfigured when there is none."""
    if _wired is None:
        raise ImproperlyConfigured("No payment gateway is wired: set the STRIPE_ variables.")
    return _wired
