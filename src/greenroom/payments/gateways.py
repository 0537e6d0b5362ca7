"""The gateways of this site; `config.wiring` names them. What exists already is the matter of its own gateway."""

from greenroom.integrations.stripe.protocol import PaymentGateway
from greenroom.payments.errors import GatewayOffError, PaymentsOffError

_wired: dict[str, PaymentGateway] = {}


def use(*gateways: PaymentGateway) -> None:
    """Wire these gateways in place of all others."""
    _wired.clear()
    _wired.update({gateway.code: gateway for gateway in gateways})


def wired() -> tuple[PaymentGateway, ...]:
    """Return every gateway, in the order in which they were wired."""
    return tuple(_wired.values())


def get(code: str) -> PaymentGateway:
    """Return the gateway of a row that names it. Raises: GatewayOffError when the site has it no more."""
    if code not in _wired:
        raise GatewayOffError(code)
    return _wired[code]


def find_hosted() -> PaymentGateway | None:
    """Return the gateway with payment pages of its own, the one that calls back; None on a site without."""
    return next((gateway for gateway in _wired.values() if gateway.is_hosted), None)


def hosted() -> PaymentGateway:
    """Return the gateway with payment pages of its own. Raises: PaymentsOffError when there is none."""
    gateway = find_hosted()
    if gateway is None:
        raise PaymentsOffError
    return gateway


def is_play_money() -> bool:
    """Tell whether what is paid from now on is play money; without a gateway orders are for nothing, and real.

    The gateway with pages of its own decides: `config.wiring` lets the others follow it.
    """
    gateway = find_hosted() or next(iter(wired()), None)
    return gateway.is_test if gateway else False
