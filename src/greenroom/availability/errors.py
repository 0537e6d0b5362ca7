"""Why a change to a coach's hours is refused. Nothing was changed when one of these is raised."""

from greenroom.core.errors import GreenroomError, InvalidInputError


class ScheduleChangedError(GreenroomError):
    """The week was changed since the page was opened, in another window or by somebody else."""

    code = "schedule_changed"
    message = "These hours were changed elsewhere since you opened this page. Nothing was saved."


class ScheduleInUseError(GreenroomError):
    """Offers use these hours."""

    code = "schedule_in_use"
    message = "Offers use these hours. Choose other hours for them first."


class NothingToUndoError(GreenroomError):
    """The week was never changed, or not since this was asked."""

    code = "nothing_to_undo"
    message = "There is no earlier week to go back to."


class WindowsOverlapError(InvalidInputError):
    """Two windows cover the same time; `field` is `windows.<ISO weekday>`, or `windows` for those of one date."""

    code = "windows_overlap"
    message = "These hours overlap. Join them, or move one."
