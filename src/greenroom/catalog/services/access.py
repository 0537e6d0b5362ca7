"""Who may change offers, and the coach's own offer under the lock."""

from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferKind
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError, NotFoundError

_MAY_CHANGE = frozenset({ActorKind.COACH, ActorKind.ADMIN})


def require(actor: Actor) -> None:
    """Refuse an actor who may not change offers. Raises: NotAllowedError."""
    if actor.kind not in _MAY_CHANGE:
        raise NotAllowedError


def own_offer(coach: Coach, offer_id: int, *, kind: OfferKind | None = None) -> Offer:
    """Return the coach's own offer, of one kind when it is given, read afresh.

    Raises: NotFoundError, the same for somebody else's and for none.
    """
    offer = Offer.objects.filter(coach=coach, pk=offer_id).select_related("schedule").first()
    if offer is None or kind not in {None, OfferKind(offer.kind)}:
        raise NotFoundError("There is no such offer.")
    return offer
