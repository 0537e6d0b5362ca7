"""Discord's JSON error codes that Greenroom tells apart (from the documentation's opcode tables)."""

from enum import IntEnum


class DiscordCode(IntEnum):
    """The `code` of an error body. A code that is not here stays a plain int and keeps its meaning by status."""

    GENERAL = 0
    UNKNOWN_CHANNEL = 10003
    UNKNOWN_GUILD = 10004
    UNKNOWN_MEMBER = 10007
    UNKNOWN_OVERWRITE = 10009
    UNKNOWN_ROLE = 10011
    UNKNOWN_USER = 10013
    UNKNOWN_VOICE_STATE = 10065
    CHANNEL_WRITE_RATE = 20028
    GUILD_WRITE_RATE = 20029
    TOO_MANY_GUILDS = 30001
    TOO_MANY_ROLES = 30005
    TOO_MANY_CHANNELS = 30013
    TOO_MANY_OVERWRITES = 30060
    VERIFY_ACCOUNT = 40002
    OPENING_DMS_TOO_FAST = 40003
    BANNED = 40007
    NOT_IN_VOICE = 40032
    MISSING_ACCESS = 50001
    CANNOT_MESSAGE_USER = 50007
    LACKS_PERMISSION = 50013
    INVALID_USER_TOKEN = 50025
    MISSING_SCOPE = 50026
    INVALID_FORM = 50035
    NO_MUTUAL_GUILD = 50278
    TWO_FACTOR_REQUIRED = 60003
    OVERLOADED = 130000
    JOIN_LIMITED = 340015


# The word inside a 50035 body that says "this category is full" rather than "this id is wrong".
PARENT_FULL = "CHANNEL_PARENT_MAX_CHANNELS"
