"""Who settles an order, and how what is bought without a time is given and taken back. `config.wiring` fills both."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from greenroom.accounts.models import User
from greenroom.orders.models import OrderLine
from greenroom.orders.types import LineKind

# Is given the order's reference and the instant; brings everything in line with what the order's money came to.
Settler = Callable[[str, datetime], None]


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """How one kind of line is given to its buyer, in the caller's transaction; each is safe to repeat.

    `can_give`: whether there still is something to give. `has`: whether an account may use an
    offer already, at an instant; both by number.
    `give` also gives back what was taken; `take` is told why, in plain words.
    """

    can_give: Callable[[OrderLine], bool]
    has: Callable[[int, int, datetime], bool]
    give: Callable[[OrderLine, User, datetime], None]
    take: Callable[[OrderLine, str, datetime], None]


_settlers: dict[LineKind, Settler] = {}
_fulfilments: dict[LineKind, Fulfilment] = {}


def use(settlers: Mapping[LineKind, Settler], fulfilments: Mapping[LineKind, Fulfilment]) -> None:
    """Replace both tables. Of an order with lines of several kinds the settler that stands first leads."""
    _settlers.clear()
    _settlers.update(settlers)
    _fulfilments.clear()
    _fulfilments.update(fulfilments)


def find_settler(kinds: Iterable[str]) -> Settler | None:
    """Return who settles an order with lines of these kinds; None when nothing on it is settled."""
    present = set(kinds)
    return next((settler for kind, settler in _settlers.items() if kind in present), None)


def find_fulfilment(kind: str) -> Fulfilment | None:
    """Return how a kind of line is given; None for lines that give nothing, such as tax."""
    return _fulfilments.get(LineKind(kind))
