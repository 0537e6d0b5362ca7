"""Why a change to a coach's hours is refused. Nothing was changed when one of these is raised."""

from greenroom.core.errors import InvalidInputError


class WindowsOverlapError(InvalidInputError):
    """Two windows cover the same time; `field` is `windows.<ISO weekday>`, or `windows` for those of one date."""

    code = "windows_overlap"
    message = "These hours overlap. Join them, or move one."
