"""Showing an offer to visitors, and taking it away again."""

from datetime import datetime

from greenroom.availability.models import DateOverride, Schedule
from greenroom.catalog.errors import Missing, OfferIncompleteError, OfferStateError
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import find_download, missing_prices
from greenroom.catalog.services.access import own_offer, require
from greenroom.catalog.types import OfferKind, OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.transactions import unit_of_work

_S = OfferStatus


def publish_offer(*, coach: Coach, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Show an offer to visitors and let them book it; it goes live once the coach is approved.

    Locks the coach. A second call changes nothing.
    Raises: OfferIncompleteError listing what is missing, OfferStateError, NotFoundError, BusyError.
    """
    return _move(coach, offer_id, "publish", (_S.DRAFT,), _S.PUBLISHED, actor, now)


def unpublish_offer(*, coach: Coach, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Take an offer back into draft. What is booked stays, and somebody who holds a time may still pay.

    Locks the coach. A second call changes nothing. Raises: OfferStateError, NotFoundError, BusyError.
    """
    return _move(coach, offer_id, "unpublish", (_S.PUBLISHED,), _S.DRAFT, actor, now)


def archive_offer(*, coach: Coach, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Put an offer away. Its row stays, because bookings and orders refer to it.

    Locks the coach. A second call changes nothing. Raises: NotFoundError, BusyError.
    """
    return _move(coach, offer_id, "archive", (_S.DRAFT, _S.PUBLISHED), _S.ARCHIVED, actor, now)


def restore_offer(*, coach: Coach, offer_id: int, actor: Actor, now: datetime) -> Offer:
    """Bring an archived offer back as a draft.

    Locks the coach. A second call changes nothing. Raises: OfferStateError, NotFoundError, BusyError.
    """
    return _move(coach, offer_id, "restore", (_S.ARCHIVED,), _S.DRAFT, actor, now)


def missing_for_publishing(offer: Offer) -> tuple[Missing, ...]:
    """Say what an offer still needs before visitors can have it; empty when nothing. Up to four queries."""
    missing = []
    if not offer.title.strip():
        missing.append(Missing("title", "Give it a title."))
    if offer.kind == OfferKind.DOWNLOAD:
        content = find_download(offer.pk)
        if content is None or content.is_empty:
            missing.append(Missing("text", "Add a file, a link or a text: something that the buyer gets."))
        return tuple(missing)
    missing += _missing_prices(offer)
    if offer.venue == Venue.VIDEO and not offer.video_url:
        missing.append(Missing("video_url", "Add the address of the video room."))
    if not _has_hours(offer):
        missing.append(Missing("schedule", "Set up your weekly hours: nothing can be booked without them."))
    return tuple(missing)


def _missing_prices(offer: Offer) -> list[Missing]:
    if not offer.durations.exists():
        return [Missing("durations", "Add at least one length with its price.")]
    return [Missing(f"durations.{index}", words) for index, words in missing_prices(offer).items()]


def _has_hours(offer: Offer) -> bool:
    schedule = offer.schedule or Schedule.objects.filter(coach_id=offer.coach_id, is_default=True).first()
    if schedule is None:
        return False
    return schedule.windows.exists() or DateOverride.objects.filter(schedule=schedule, windows__isnull=False).exists()


def _move(
    coach: Coach,
    offer_id: int,
    verb: str,
    allowed: tuple[OfferStatus, ...],
    target: OfferStatus,
    actor: Actor,
    now: datetime,
) -> Offer:
    require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        offer = own_offer(coach, offer_id)
        before = offer.status
        if before == target:
            return offer
        if before not in allowed:
            raise OfferStateError(f"This offer is {before}, so that is not possible.")
        missing = missing_for_publishing(offer) if target == _S.PUBLISHED else ()
        if missing:
            raise OfferIncompleteError(missing)
        offer.status = target
        offer.save(update_fields=["status"])
        audit.record(
            actor=actor,
            action=f"offer.{verb}",
            target=offer,
            now=now,
            before={"status": before},
            after={"status": target},
        )
    return offer
