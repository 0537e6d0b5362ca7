"""Why linking a Discord account is refused. `return_path` is where the person came from, an address of this site."""

from greenroom.core.errors import GreenroomError


class LinkRefusedError(GreenroomError):
    """Somebody came back from Discord and cannot go on; nothing was linked."""

    code = "discord_link_refused"
    message = "We did not expect this answer from Discord. Please connect Discord again."

    def __init__(self, *, return_path: str = "/") -> None:
        super().__init__()
        self.return_path = return_path


class LinkUnknownError(LinkRefusedError):
    """No try of this browser has that state: invented, of another browser, or the cookie is gone."""

    code = "discord_link_unknown"
    message = (
        "This answer from Discord does not belong to this browser. Go back to the browser in which you began, or "
        "connect Discord again here."
    )


class LinkOverError(LinkRefusedError):
    """The try is over: its time ran out, or its answer was already taken."""

    code = "discord_link_over"
    message = "This try to connect Discord is over. If your page does not show your account, connect it again."


class ConsentDeniedError(LinkRefusedError):
    """The person said no at Discord."""

    code = "discord_link_denied"
    message = "You did not allow the connection at Discord, so nothing was connected."


class WrongCodeError(GreenroomError):
    """The code is not the one that was mailed; `tries_left` says how often one may still try."""

    code = "wrong_code"

    def __init__(self, tries_left: int) -> None:
        tries = "one more time" if tries_left == 1 else f"{tries_left} more times"
        super().__init__(f"This is not the code we mailed. You can try {tries}.", field="code")
        self.tries_left = tries_left


class CodeOverError(GreenroomError):
    """The code can no longer be used: too many tries, too late, or it was never asked for."""

    code = "code_over"
    message = "This code can no longer be used. Connect Discord again to get a new one."
