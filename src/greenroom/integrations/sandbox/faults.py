"""Arming faults and meeting them.

Each sandbox lists its own faults in a table (name -> what it does); `config.wiring` gathers the tables here, so
that the console, the endpoint and the tests read one list.
"""

from collections.abc import Mapping
from enum import StrEnum

from django.db.models import F

from greenroom.core.errors import InvalidInputError
from greenroom.integrations.sandbox.models import ArmedFault

MOST_AT_ONCE = 1000


class Seam(StrEnum):
    """A side of Greenroom on which a vendor stands."""

    PAYMENTS = "payments"
    DISCORD = "discord"
    MAIL = "mail"


_known: dict[Seam, Mapping[str, str]] = {}


def use(tables: Mapping[Seam, Mapping[str, str]]) -> None:
    """Replace the list of known faults: for each seam, name -> what happens."""
    _known.clear()
    _known.update(tables)


def known_faults() -> dict[Seam, Mapping[str, str]]:
    """Return every fault that can be armed."""
    return dict(_known)


def arm(*, seam: str, fault: str, count: int) -> None:
    """Make the next `count` fitting calls of `seam` meet the fault; 0 disarms it. Replaces an earlier count.

    Raises: InvalidInputError naming the field.
    """
    if seam not in set(Seam):
        raise InvalidInputError(f"Use one of {', '.join(Seam)}.", field="seam")
    if fault not in _known.get(Seam(seam), {}):
        raise InvalidInputError(f"Use one of {', '.join(_known.get(Seam(seam), {}))}.", field="fault")
    if not 0 <= count <= MOST_AT_ONCE:
        raise InvalidInputError(f"Use a number from 0 to {MOST_AT_ONCE}.", field="count")
    ArmedFault.objects.update_or_create(seam=seam, name=fault, defaults={"remaining": count})


def strikes(seam: Seam, name: str) -> bool:
    """Tell whether this call meets the fault, and use one up. One statement, so two calls never share one."""
    armed = ArmedFault.objects.filter(seam=seam, name=name, remaining__gt=0)
    return armed.update(remaining=F("remaining") - 1) == 1


def remaining() -> dict[tuple[str, str], int]:
    """Return how often each armed fault will still happen, by seam and name."""
    rows = ArmedFault.objects.filter(remaining__gt=0).values_list("seam", "name", "remaining")
    return {(seam, name): count for seam, name, count in rows}
