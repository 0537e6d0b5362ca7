"""Words of the accounts app."""

from enum import StrEnum


class LinkState(StrEnum):
    """How far one try to link a Discord account has come. `linked` and `failed` are final."""

    STARTED = "started"
    CHECKING = "checking"
    NEEDS_CODE = "needs_code"
    LINKED = "linked"
    FAILED = "failed"


class LinkProblem(StrEnum):
    """Why a try to link failed."""

    DENIED = "denied"
    REFUSED = "refused"
    AGAIN = "again"
    UNREACHABLE = "unreachable"
    BELONGS_ELSEWHERE = "belongs_elsewhere"
    TOO_MANY_CODES = "too_many_codes"
    CODE_WRONG = "code_wrong"
    CODE_EXPIRED = "code_expired"


class LinkDecision(StrEnum):
    """What to do with a Discord account that somebody proved to own."""

    USE = "use"
    ASK_FOR_CODE = "ask_for_code"
    REFUSE = "refuse"


class CardState(StrEnum):
    """What a person is told about their Discord connection."""

    CHECKING = "checking"
    CONNECTED = "connected"
    MISSING = "missing"


class MailedSecret(StrEnum):
    """What a mail with a code is for; the value is also the kind of its message."""

    SIGN_IN = "accounts.sign_in_code"
    PASSWORD_RESET = "accounts.password_reset_code"  # noqa: S105 -- a word, not a password
    DISCORD = "accounts.discord_code"
    NO_ACCOUNT = "accounts.no_account"
