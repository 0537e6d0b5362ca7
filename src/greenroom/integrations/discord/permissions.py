"""Discord's permission bits, and the sets of them that rooms use (numbers from Discord's documentation)."""

from enum import IntFlag


class Permission(IntFlag):
    """One bit each; on the wire the sum travels as a decimal string."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    MANAGE_ROLES = 1 << 28
    SEND_MESSAGES_IN_THREADS = 1 << 38


NONE = Permission(0)
# Every bit Discord has documented (0 to 52): what an owner or an administrator may do.
ALL = (1 << 53) - 1

_TALK = Permission.STREAM | Permission.SPEAK | Permission.USE_VAD
_WRITE = Permission.SEND_MESSAGES | Permission.EMBED_LINKS | Permission.ATTACH_FILES

# What the bot asks for when it is invited. Never ADMINISTRATOR: a stolen token must not own the server.
BOT_INVITE = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.MANAGE_CHANNELS
    | Permission.VIEW_AUDIT_LOG
    | Permission.VIEW_CHANNEL
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.MOVE_MEMBERS
    | Permission.MANAGE_ROLES
    | _TALK
    | _WRITE
)

# A room's overwrites. Nobody sees or enters it; the bot must keep VIEW and CONNECT itself, or it can neither
# find nor delete the room again (denying CONNECT implies no MANAGE_CHANNELS in voice channels).
EVERYONE_DENY = Permission.VIEW_CHANNEL | Permission.CONNECT
BOT_ALLOW = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.MANAGE_CHANNELS
PARTICIPANT_ALLOW = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.READ_MESSAGE_HISTORY | _TALK | _WRITE
# An archived room can be read, not used. CONNECT stays: without it the text of a voice channel is hidden.
ARCHIVE_ALLOW = Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.READ_MESSAGE_HISTORY
ARCHIVE_DENY = _TALK | _WRITE | Permission.SEND_MESSAGES_IN_THREADS
