import pytest

from greenroom.integrations.stripe.protocol import DisputeStatus
from greenroom.payments.types import AttemptState, RefundCause, RefundRequestState
from greenroom.web.ops import movements


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (movements.PAYMENTS, AttemptState),
        (movements.REFUNDS, RefundRequestState),
        (movements.CAUSES, RefundCause),
        (movements.DISPUTES, DisputeStatus),
    ],
)
def test_every_state_has_words(words: dict[str, str], kinds: type) -> None:
    assert set(words) == set(kinds)
