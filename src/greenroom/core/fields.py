"""Encrypted text at rest."""

from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("Set GREENROOM_ENCRYPTION_KEYS to at least one key.")
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Encrypt with the first configured key (Fernet: AES-128-CBC and HMAC-SHA256)."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """Decrypt with whichever configured key fits, so that keys can be rotated.

    Raises: ImproperlyConfigured when none fits, rather than showing a person an empty value.
    """
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(token).decode()
    except (InvalidToken, ValueError) as error:  # ValueError: text that was never encrypted and is not even ASCII
        raise ImproperlyConfigured("A stored secret fits none of GREENROOM_ENCRYPTION_KEYS.") from error


class EncryptedTextField(TextField):
    """Text that is ciphertext in the database and plain text in Python; empty stays empty.

    It cannot be searched or compared in a query: equal texts have different ciphertexts.
    """

    def get_prep_value(self, value: Any) -> Any:  # noqa: ANN401 -- Django's field interface is untyped
        """Encrypt on the way in."""
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        """Decrypt on the way out."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:  # noqa: ANN401 -- Django's field interface is untyped
        """Allow only the null test; anything else would silently find nothing."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
