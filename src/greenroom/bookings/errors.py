"""Why a booking verb refuses. Nothing was changed when one of these is raised."""

from datetime import datetime

from greenroom.core.errors import GreenroomError


class SlotTakenError(GreenroomError):
    """The time is not free any more; `alternatives` are the nearest aware UTC starts that are."""

    code = "slot_taken"
    message = "Somebody else has just taken this time."

    def __init__(self, alternatives: list[datetime] | None = None) -> None:
        super().__init__(field="starts_at")
        self.alternatives = alternatives or []


class SlotNotOfferedError(GreenroomError):
    """The time was never on offer: off the grid, past, beyond the horizon, outside the coach's hours."""

    code = "slot_not_offered"
    message = "This time is not offered. Choose one of the free times."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, field="starts_at")


class HoldEndedError(GreenroomError):
    """The time was kept long enough and is not kept any more."""

    code = "hold_ended"
    message = "We no longer hold this time for you. Choose a time again."


class DetailsMissingError(GreenroomError):
    """Payment cannot begin before name and e-mail address are known."""

    code = "details_missing"
    message = "Tell us your name and e-mail address first."


class DiscordRequiredError(GreenroomError):
    """The offer takes place on Discord and wants the account linked first."""

    code = "discord_required"
    message = "Connect your Discord account first: the session takes place there."


class IllegalTransitionError(GreenroomError):
    """The booking is in a state from which this cannot happen."""

    code = "wrong_state"
    message = "That is not possible any more."


class OverlapError(GreenroomError):
    """Other sessions stand where the coach wants one; `session_ids` are they, in order of time."""

    code = "overlap"
    message = "Another session stands there, or too close to it."

    def __init__(self, session_ids: list[int]) -> None:
        super().__init__(field="starts_at")
        self.session_ids = session_ids


class AlreadyBookedError(GreenroomError):
    """One account has one seat in a group."""

    code = "already_booked"
    message = "You already have a seat in this session. To book one for somebody else, sign out first."


class AlreadyExtendedError(GreenroomError):
    """A hold can be extended once."""

    code = "already_extended"
    message = "This time was already extended once."


class AnsweredTooLateError(GreenroomError):
    """The time to accept a request is over: its student gets the money back."""

    code = "answered_too_late"
    message = "The time to answer is over. The student gets everything back and can book again."


class OfferNotBookableError(GreenroomError):
    """The coach takes no bookings, or the offer is not public."""

    code = "not_bookable"
    message = "This cannot be booked at the moment."


class TooEarlyError(GreenroomError):
    """The session has not begun yet."""

    code = "too_early"
    message = "That is possible once the session has begun."
