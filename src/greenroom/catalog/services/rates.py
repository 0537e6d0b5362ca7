"""A coach's rates by the hour, from which offers without a price of their own take theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from greenroom.catalog.models import Offer, Rate
from greenroom.catalog.queries import missing_prices, with_prices
from greenroom.catalog.rules import check_price
from greenroom.catalog.services.access import require
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.audit import AuditValue
from greenroom.core.currencies import is_sold_in
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work


@dataclass(frozen=True, slots=True)
class RateTerms:
    """What an hour costs, in minor units above zero: for one topic, or with None for everything else."""

    per_hour_minor: int
    topic_id: int | None = None


def save_rates(*, coach: Coach, currency: str, rates: Sequence[RateTerms], actor: Actor, now: datetime) -> None:
    """Bring a coach's rates in line with the list given, all in one currency; holds and orders keep their price.

    A topic is one of the coach's own, or one that has a rate already. A published offer may not lose its price by it.
    Locks the coach. A second call changes nothing.
    Raises: InvalidInputError naming `currency`, `hourly` or `topic-ID`, or nothing when offers would lose their price;
    NotAllowedError, BusyError.
    """
    require(actor)
    _check(rates, currency)
    with unit_of_work():
        mine = lock_coach(coach.pk)
        before = _words(mine)
        rows = {row.topic_id: row for row in mine.rates.all()}
        _require_own_topics(mine, {terms.topic_id for terms in rates} - {None, *rows})
        mine.rates.exclude(pk__in=[rows[terms.topic_id].pk for terms in rates if terms.topic_id in rows]).delete()
        for terms in rates:
            row = rows.get(terms.topic_id) or Rate(coach=mine, topic_id=terms.topic_id)
            row.per_hour_minor, row.currency = terms.per_hour_minor, currency
            row.save()
        _require_prices(mine)
        after = _words(mine)
        if before != after:
            audit.record(actor=actor, action="coach.edit_rates", target=mine, now=now, before=before, after=after)


def _check(rates: Sequence[RateTerms], currency: str) -> None:
    if not is_sold_in(currency):
        raise InvalidInputError("Use one of the currencies that can be paid in, such as EUR.", field="currency")
    seen: set[int | None] = set()
    for terms in rates:
        field = "hourly" if terms.topic_id is None else f"topic-{terms.topic_id}"
        if terms.topic_id in seen:
            raise InvalidInputError("This topic is there twice.", field=field)
        if terms.per_hour_minor <= 0:
            raise InvalidInputError("Leave it empty for no rate. An offer can be free by a price of 0.", field=field)
        check_price(Money(terms.per_hour_minor, currency), field=field)
        seen.add(terms.topic_id)


def _require_own_topics(coach: Coach, wanted: set[int | None]) -> None:
    foreign = wanted - set(coach.topics.values_list("pk", flat=True))
    if foreign:
        raise InvalidInputError("Choose one of your own topics.", field=f"topic-{min(filter(None, foreign))}")


def _require_prices(coach: Coach) -> None:
    """Refuse rates with which an offer that is on sale would have no price. Raises: InvalidInputError."""
    for offer in with_prices(Offer.objects.filter(coach=coach, status=OfferStatus.PUBLISHED)):
        for words in missing_prices(offer).values():
            raise InvalidInputError(f"“{offer.title}” is on sale and takes its price from your rates. {words}")


def _words(coach: Coach) -> dict[str, AuditValue]:
    rates = coach.rates.order_by("pk").values_list("topic__slug", "per_hour_minor", "currency")
    return {"rates": "; ".join(f"{slug or 'hour'} {minor} {currency}" for slug, minor, currency in rates)}
