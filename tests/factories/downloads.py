"""Downloads, and the steps by which they are bought and paid at the sandbox."""

from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from tests.bookings.steps import GOOD_CARD, GUEST
from tests.factories.bookings import make_coach

from greenroom.accounts.models import User
from greenroom.bookings.rules import holder_digest
from greenroom.catalog.models import Download, Offer, OfferFile
from greenroom.catalog.types import DiscordRequirement, OfferKind, OfferStatus
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.integrations.stripe.protocol import PayState
from greenroom.integrations.stripe.sandbox import checkouts
from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.orders import links, services
from greenroom.orders.models import Order
from greenroom.orders.types import Buyer
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services import sync_attempt

ANN = Buyer("Ann Guest", "ann@example.org", "Europe/Berlin", holder_digest("cookie", "ann"))
TEXT = "Read this first."


def make_download(coach: Coach | None = None, *, slug: str = "workbook", price_minor: int = 1900) -> Offer:
    """Make a published download with a text, and no file."""
    offer = Offer.objects.create(
        coach=coach or make_coach(),
        kind=OfferKind.DOWNLOAD,
        slug=slug,
        title="A workbook",
        status=OfferStatus.PUBLISHED,
        price_minor=price_minor,
        discord_requirement=DiscordRequirement.NOT_REQUIRED,
    )
    Download.objects.create(offer=offer, text=TEXT)
    return offer


def add_file(offer: Offer, *, now: datetime, name: str = "workbook.pdf", content: bytes = b"%PDF") -> OfferFile:
    """Give a download a file."""
    row = OfferFile(offer=offer, name=name, size_bytes=len(content), added_at=now)
    row.content.save("", ContentFile(content))
    return row


def order(offer: Offer, buyer: Buyer = ANN) -> Order:
    """Begin to buy, as a guest unless told."""
    return services.order_offer(offer=offer, buyer=buyer, actor=GUEST, now=clock.now())


def buyer_of(user: User) -> Buyer:
    """Return a signed-in person as one who buys."""
    return Buyer(user.name, user.email, "UTC", holder_digest("user", str(user.pk)), user.pk)


def start(order: Order, method: str = "") -> str | None:
    """Accept the order and open its payment, in the first way unless told."""
    addresses = links.return_addresses(order)
    return services.start_purchase(order=order, addresses=addresses, actor=GUEST, now=clock.now(), method=method)


def give_money(order: Order) -> PaymentAttempt:
    """Pay the latest attempt and learn of it; nothing is settled yet. Slow banks pay what was ended, too."""
    attempt = PaymentAttempt.objects.filter(order_ref=order.ref).order_by("-seq")[0]
    Checkout.objects.filter(ref=attempt.gateway_ref).update(state=PayState.OPEN)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=attempt.created_at)
    return sync_attempt(attempt_id=attempt.pk, now=clock.now())


def settle(order: Order) -> Order:
    """Bring a purchase in line with its money."""
    services.settle_purchase(order.ref, clock.now())
    return fresh(order)


def bought(offer: Offer, buyer: Buyer = ANN) -> Order:
    """Buy and pay."""
    mine = order(offer, buyer)
    if start(mine) is not None:
        give_money(mine)
        settle(mine)
    return fresh(mine)


def fresh(order: Any) -> Any:
    """Return a row as it is now."""
    return type(order).objects.get(pk=order.pk)
