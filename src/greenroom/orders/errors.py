"""What can go wrong with orders."""

from greenroom.core.errors import GreenroomError


class DocumentTooEarlyError(GreenroomError):
    """The document that this one refers to is not issued yet; trying again shortly works."""

    code = "document_too_early"
    message = "The document that this one refers to is not issued yet."
