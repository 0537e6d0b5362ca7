from dataclasses import FrozenInstanceError

import pytest

from greenroom.core.actors import SYSTEM, ActorKind


def test_system_is_nobody_in_particular() -> None:
    assert (SYSTEM.kind, SYSTEM.user_id, SYSTEM.address) == (ActorKind.SYSTEM, None, "")


def test_actor_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SYSTEM.kind = ActorKind.ADMIN  # type: ignore[misc]  # the refusal is the point
