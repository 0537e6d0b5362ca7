"""Random public references and signed links.

OWASP ASVS 5.0, 11.5.1: what guards access carries at least 128 random bits; a UUID does not promise them.
"""

import secrets

from django.core import signing

_REF_BYTES = 16
REF_LENGTH = 22
# The first number that no row can have: asked for it, a database fails instead of finding nothing.
NUMBERS_END = 1 << 63


def new_ref() -> str:
    """Return a fresh public reference: 128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(_REF_BYTES)


def sign_ref(ref: str, *, purpose: str) -> str:
    """Return a token that proves its holder was sent the link for `ref`; it is derived, not stored.

    The signature is Django's HMAC-SHA256 under the secret key; a token for one purpose opens no other.
    """
    return signing.Signer(salt=f"greenroom.{purpose}", sep=".").sign(ref)


def read_signed_ref(token: str, *, purpose: str) -> str | None:
    """Return the reference inside a genuine token, else None. Compares in constant time."""
    try:
        return signing.Signer(salt=f"greenroom.{purpose}", sep=".").unsign(token)
    except (signing.BadSignature, UnicodeEncodeError):  # a JSON body may carry half a surrogate pair
        return None
