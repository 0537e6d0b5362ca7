import pytest

from greenroom.accounts.rules import decide_link
from greenroom.accounts.types import LinkDecision


@pytest.mark.parametrize(
    ("owner_id", "user_id", "is_for_booking", "decision"),
    [
        (None, None, True, LinkDecision.USE),
        (None, 1, True, LinkDecision.USE),
        (None, 1, False, LinkDecision.USE),
        (1, 1, True, LinkDecision.USE),
        (1, 1, False, LinkDecision.USE),
        (1, None, True, LinkDecision.ASK_FOR_CODE),
        (1, 2, True, LinkDecision.ASK_FOR_CODE),
        (1, 2, False, LinkDecision.REFUSE),
    ],
)
def test_decide_link(owner_id: int | None, user_id: int | None, is_for_booking: bool, decision: LinkDecision) -> None:  # noqa: FBT001 -- a table
    assert decide_link(owner_id=owner_id, user_id=user_id, is_for_booking=is_for_booking) is decision
