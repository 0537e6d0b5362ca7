"""Mail over SMTP, with Django's own backend."""

import smtplib
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection

from greenroom.integrations.mail.protocol import Mail, MailRefusedError, MailUnavailableError

_TIMEOUT_SECONDS = 20
_PERMANENT = range(500, 600)  # RFC 5321, 4.2.1: the server will refuse the same again


class SmtpTransport:
    """Sends through one SMTP server; a connection a mail, with a time-out."""

    def __init__(self, config: dict[str, Any], sender: str) -> None:
        self._options = {
            "host": config["EMAIL_HOST"],
            "port": config["EMAIL_PORT"],
            "username": config["EMAIL_HOST_USER"],
            "password": config["EMAIL_HOST_PASSWORD"],
            "use_tls": config.get("EMAIL_USE_TLS", False),
            "use_ssl": config.get("EMAIL_USE_SSL", False),
        }
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand one mail to the server. Raises: MailUnavailableError, MailRefusedError."""
        connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend", timeout=_TIMEOUT_SECONDS, **self._options
        )
        headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated", **mail.headers}
        message = EmailMultiAlternatives(
            mail.subject, mail.text, self._sender, [mail.to], connection=connection, headers=headers
        )
        message.attach_alternative(mail.html, "text/html")
        for attachment in mail.attachments:
            message.attach(attachment.name, attachment.content, attachment.content_type)
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            raise _kind(codes[0])(f"The server refused the recipient with {codes[0]}.") from error
        except smtplib.SMTPResponseException as error:
            raise _kind(error.smtp_code)(f"The server answered {error.smtp_code}.") from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailableError(f"The mail server did not answer: {type(error).__name__}.") from error


def _kind(code: int) -> type[MailRefusedError | MailUnavailableError]:
    return MailRefusedError if code in _PERMANENT else MailUnavailableError
