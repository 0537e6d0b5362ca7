"""The verbs that change accounts and their Discord links."""

from greenroom.accounts.services.callbacks import confirm_code, receive_callback, start_link
from greenroom.accounts.services.codes import mail_secret, prune
from greenroom.accounts.services.identities import unlink
from greenroom.accounts.services.linking import fail_link, record_link
from greenroom.accounts.services.people import change_email, claim_account, claimable_user

__all__ = [
    "change_email",
    "claim_account",
    "claimable_user",
    "confirm_code",
    "fail_link",
    "mail_secret",
    "prune",
    "receive_callback",
    "record_link",
    "start_link",
    "unlink",
]
