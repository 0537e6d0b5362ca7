"""The mailbox as a Django app."""

from django.apps import AppConfig


class MailSandboxConfig(AppConfig):
    """Registers delivered mails."""

    name = "greenroom.integrations.mail.sandbox"
    label = "mail_sandbox"
