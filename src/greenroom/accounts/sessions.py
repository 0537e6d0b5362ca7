"""Sessions in the database, encrypted: while somebody signs in by code, the session holds that code."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends import db
from django.core.exceptions import ImproperlyConfigured

from greenroom.core.fields import decrypt, encrypt


class SessionStore(db.SessionStore):
    """Django's own store with ciphertext in its data column. `SESSION_ENGINE` names this module."""

    @classmethod
    def get_model_class(cls) -> Any:  # noqa: ANN401 -- Django types it as the model it returns
        """Return Django's own session model: only the text in it differs."""
        return super().get_model_class()

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Sign as Django does, then encrypt."""
        return encrypt(super().encode(session_dict))

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Decrypt; a session written under keys that are gone is an empty one."""
        text = session_data.decode() if isinstance(session_data, bytes) else session_data
        try:
            return super().decode(decrypt(text))
        except (ImproperlyConfigured, InvalidToken):
            return {}
