"""Handlers of the due rows about orders."""

from datetime import timedelta

from greenroom.core import clock
from greenroom.jobs.errors import RetryLaterError
from greenroom.jobs.models import Job
from greenroom.orders import services
from greenroom.orders.errors import DocumentTooEarlyError
from greenroom.orders.fulfilment import find_settler
from greenroom.orders.queries import line_kinds

_SOON = timedelta(seconds=5)


def settle(job: Job) -> None:
    """Bring what an order is for in line with its money: whoever leads does it, such as bookings."""
    order_ref = job.payload["order_ref"]
    settler = find_settler(line_kinds(order_ref))
    if settler is not None:
        settler(order_ref, clock.now())


def end_unpaid(job: Job) -> None:
    """End a purchase that nobody paid in time."""
    services.end_unpaid(order_id=job.payload["order_id"], now=clock.now())


def review_access(_job: Job) -> None:
    """Find the purchases whose access is not what their money says."""
    services.plan_access_reviews(now=clock.now())


def tell_refunds(_job: Job) -> None:
    """Plan the mails about refunds that are to be sent by hand."""
    services.plan_refund_mails(now=clock.now())


def issue_missing(_job: Job) -> None:
    """Plan the receipts and refund notes that are missing."""
    services.plan_missing_documents(now=clock.now())


def book_shares(job: Job) -> None:
    """Book whose one order's money is."""
    services.book_shares(order_ref=job.payload["order_ref"], now=clock.now())


def book_missing_shares(_job: Job) -> None:
    """Plan the shares of orders with money that is nobody's."""
    services.plan_missing_shares(now=clock.now())


def issue_document(job: Job) -> None:
    """Issue one receipt or refund note."""
    try:
        services.issue_document(entry_id=job.payload["entry_id"], now=clock.now())
    except DocumentTooEarlyError as error:
        raise RetryLaterError(_SOON, error.message) from error
