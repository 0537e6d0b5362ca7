"""Why a change to an offer is refused. Nothing was changed when one of these is raised."""

from dataclasses import dataclass

from greenroom.core.errors import GreenroomError


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing an offer still needs before it can be published: the field of the form, and what to do."""

    field: str
    message: str


class NoPriceError(GreenroomError):
    """Nothing says what this costs, or what it comes to cannot be charged; the message says what to do."""

    code = "no_price"
    message = "Write a price, 0 for free, or set your hourly rate."


class OfferIncompleteError(GreenroomError):
    """The offer cannot be published yet; `missing` says exactly what it still needs."""

    code = "offer_incomplete"
    message = "This offer is not complete."

    def __init__(self, missing: tuple[Missing, ...]) -> None:
        super().__init__(" ".join(one.message for one in missing), field=missing[0].field)
        self.missing = missing


class OfferStateError(GreenroomError):
    """The offer is in a state from which this cannot happen."""

    code = "wrong_state"
    message = "That is not possible for this offer now."
