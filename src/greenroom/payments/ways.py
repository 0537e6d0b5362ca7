"""How people can pay here: on a gateway's page, or by one of the methods by hand."""

from dataclasses import dataclass
from datetime import timedelta

from greenroom.core.errors import InvalidInputError
from greenroom.integrations.manual.gateway import MANUAL
from greenroom.integrations.manual.models import PayMethod
from greenroom.payments import gateways
from greenroom.payments.errors import PaymentsOffError

CARD = "card"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to pay: the word that names it in forms, its title, its gateway; by hand also the method and its time."""

    code: str
    title: str
    gateway: str
    method_id: int | None = None
    lasts: timedelta | None = None


def ways_to_pay() -> list[Way]:
    """Return what a buyer can choose from now: the gateway with its own pages first, then the methods by age."""
    hosted = gateways.find_hosted()
    ways = [Way(CARD, "Card", hosted.code)] if hosted else []
    if MANUAL not in {gateway.code for gateway in gateways.wired()}:
        return ways
    methods = PayMethod.objects.filter(is_active=True).order_by("pk")
    return ways + [
        Way(f"method-{one.pk}", one.title, MANUAL, one.pk, timedelta(hours=one.hours_to_pay)) for one in methods
    ]


def get_way(code: str) -> Way:
    """Return a way by its word; without one the first. Raises: PaymentsOffError, InvalidInputError naming `method`."""
    ways = ways_to_pay()
    if not ways:
        raise PaymentsOffError
    found = next((way for way in ways if way.code == code), None) if code else ways[0]
    if found is None:
        raise InvalidInputError("This way to pay is not offered. Choose another.", field="method")
    return found
