"""Which transport takes the mail; `config.wiring` chooses it."""

from greenroom.integrations.mail.protocol import MailTransport, MailUnavailableError

_transport: MailTransport | None = None


def use(transport: MailTransport | None) -> None:
    """Wire the transport; None: mail is not configured."""
    global _transport  # noqa: PLW0603 -- the one wired value of this module
    _transport = transport


def current() -> MailTransport:
    """Return the wired transport. Raises: MailUnavailableError when none is configured, so that mail waits."""
    if _transport is None:
        raise MailUnavailableError("Mail is not configured: set GREENROOM_SMTP_URL.")
    return _transport
