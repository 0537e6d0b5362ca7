"""The gateway at which new payments begin; `config.wiring` names it."""

from greenroom.integrations.stripe.protocol import PaymentGateway
from greenroom.payments.errors import PaymentsOffError

_wired: PaymentGateway | None = None


def use(gateway: PaymentGateway | None) -> None:
    """Wire the gateway, or none."""
    global _wired  # noqa: PLW0603 -- the one wired value of this module
    _wired = gateway


def find() -> PaymentGateway | None:
    """Return the wired gateway, or None on a site that takes no payments."""
    return _wired


def current() -> PaymentGateway:
    """Return the wired gateway. Raises: PaymentsOffError when there is none."""
    if _wired is None:
        raise PaymentsOffError
    return _wired
