"""The Discord card on a booking's pages."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from greenroom.accounts.models import DiscordIdentity
from greenroom.accounts.queries import discord_card
from greenroom.bookings.models import Booking
from greenroom.catalog.types import DiscordRequirement
from greenroom.core import clock
from greenroom.web.accounts.card import card_context


def card_of(request: HttpRequest, booking: Booking) -> dict[str, Any] | None:
    """Return what the card takes, or None where the offer needs no Discord. Connecting leads back to this page."""
    requirement = booking.session.offer.discord_requirement
    if requirement == DiscordRequirement.NOT_REQUIRED:
        return None
    card = discord_card(identity=identity_of(booking), now=clock.now(), booking_id=booking.pk)
    connect_url = f"{reverse('booking_discord', args=[booking.ref])}?{urlencode({'next': request.get_full_path()})}"
    return card_context(card, connect_url=connect_url, requirement=requirement, switch_url=connect_url)


def identity_of(booking: Booking) -> DiscordIdentity | None:
    """Return the Discord account that will be let into the room: the booking's own, else the student's."""
    if booking.discord_identity is not None:
        return booking.discord_identity
    identity: DiscordIdentity | None = getattr(booking.student, "discord_identity", None)
    return identity
