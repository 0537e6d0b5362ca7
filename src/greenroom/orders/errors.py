"""What can go wrong with orders."""

from greenroom.core.errors import GreenroomError


class DocumentTooEarlyError(GreenroomError):
    """The document that this one refers to is not issued yet; trying again shortly works."""

    code = "document_too_early"
    message = "The document that this one refers to is not issued yet."


class NotForSaleError(GreenroomError):
    """The offer is not on the coach's page any more."""

    code = "not_for_sale"
    message = "This can't be bought at present. Nothing was charged."


class AlreadyYoursError(GreenroomError):
    """The person may use already what they are about to buy."""

    code = "already_yours"
    message = "You have this already: it is in your library. Nothing was charged."


class OrderOverError(GreenroomError):
    """The time in which the order could be paid is over, or it is paid."""

    code = "order_over"
    message = "This order can't be paid any more. Nothing was charged; you can begin again."
