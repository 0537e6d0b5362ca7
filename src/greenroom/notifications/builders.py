"""Which function builds which kind of message. `config.wiring` fills the table."""

from collections.abc import Callable, Mapping
from datetime import datetime

from greenroom.notifications.models import Message
from greenroom.notifications.types import Content

# Is given the message and the instant of sending; None means that there is nothing to say any more.
Builder = Callable[[Message, datetime], Content | None]

_builders: dict[str, Builder] = {}


def use(builders: Mapping[str, Builder]) -> None:
    """Replace the whole table."""
    _builders.clear()
    _builders.update(builders)


def find_builder(kind: str) -> Builder | None:
    """Return how a kind is built, or None when this version does not know it."""
    return _builders.get(kind)
