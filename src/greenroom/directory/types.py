"""What is searched for and what is found."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.money import Money


@dataclass(frozen=True, slots=True)
class Search:
    """What a visitor asks for; empty values ask for nothing.

    `max_price` is in whole major units of each offer's own currency. `free_from` and `free_until` are aware
    instants, the end excluded: only coaches who can be booked in between are found.
    """

    words: str = ""
    topic: str = ""
    max_price: int | None = None
    min_rating: float = 0
    experience: str = ""
    free_from: datetime | None = None
    free_until: datetime | None = None

    @property
    def asks_for_time(self) -> bool:
        """Whether somebody must be free at a certain time to be found."""
        return self.free_from is not None or self.free_until is not None


@dataclass(frozen=True, slots=True)
class NextSlot:
    """The first time, aware UTC, at which a coach can be booked, and the offer it is for."""

    starts_at: datetime
    offer: Offer


@dataclass(frozen=True, slots=True)
class Card:
    """A coach in the list, with the least price that is not nothing and the first free time."""

    coach: Coach
    price_from: Money | None
    next_slot: NextSlot | None


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of cards, and how many coaches there are on all pages."""

    cards: list[Card]
    count: int
