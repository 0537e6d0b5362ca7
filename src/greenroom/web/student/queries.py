"""What a student's pages about money read: always through the person who asks."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from greenroom.accounts.models import User
from greenroom.bookings.types import BookingStatus
from greenroom.catalog.models import Download
from greenroom.catalog.queries import find_download
from greenroom.orders.models import Document, Order
from greenroom.orders.queries import documents_by_ref, usable_lines


def purchases_of(user: User) -> QuerySet[Order]:
    """Return what somebody paid for, the latest first, with lines and documents; what was free is left out.

    A page of them is four queries, the count included.
    """
    documented = Exists(Document.objects.filter(order=OuterRef("pk")))
    booked = Q(booking__confirmed_at__isnull=False) | Q(booking__status=BookingStatus.PENDING_APPROVAL)
    given = Q(fulfilled_at__isnull=False)
    theirs = Q(booking__student=user) | Q(buyer=user)
    mine = Order.objects.filter(documented | booked | given, theirs, total_minor__gt=0)
    documents = Prefetch("documents", Document.objects.order_by("pk"))
    return mine.select_related("coach").prefetch_related("lines", documents).order_by("-pk")


def find_document_for(user: User, ref: str) -> Document | None:
    """Return a document that this person may see: its buyer with an account, its coach, or staff."""
    found = documents_by_ref(ref)
    if not user.is_staff:
        found = found.filter(Q(order__booking__student=user) | Q(order__buyer=user) | Q(order__coach__user=user))
    return found.first()


def downloads_in(order: Order, *, now: datetime) -> list[Download]:
    """Return the downloads of an order that can be used at `now`, with their files."""
    found = [find_download(line.offer_id) for line in usable_lines(order, now=now) if line.offer_id]
    return [one for one in found if one is not None]
