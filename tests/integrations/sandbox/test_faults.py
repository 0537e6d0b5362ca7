from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from greenroom.core.errors import InvalidInputError
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import MOST_AT_ONCE, Seam
from greenroom.integrations.sandbox.models import ArmedFault

TABLES = {Seam.MAIL: {"refuse": "refuses a mail", "delay": "waits"}, Seam.DISCORD: {"rate_limit": "answers 429"}}


@pytest.fixture(autouse=True)
def _tables() -> Iterator[None]:
    before = faults.known_faults()
    faults.use(TABLES)
    yield
    faults.use(before)


def test_known_faults_are_a_copy_of_what_is_used() -> None:
    known = faults.known_faults()
    known.clear()

    assert faults.known_faults() == TABLES


@pytest.mark.django_db
def test_armed_fault_strikes_as_often_as_asked() -> None:
    faults.arm(seam="mail", fault="refuse", count=2)

    assert [faults.strikes(Seam.MAIL, "refuse") for _ in range(4)] == [True, True, False, False]


@pytest.mark.django_db
def test_fault_that_is_not_armed_never_strikes() -> None:
    faults.arm(seam="mail", fault="refuse", count=1)

    assert not faults.strikes(Seam.MAIL, "delay")
    assert not faults.strikes(Seam.DISCORD, "refuse")
    assert not faults.strikes(Seam.PAYMENTS, "anything")
    assert faults.remaining() == {("mail", "refuse"): 1}


@pytest.mark.django_db
def test_arming_again_replaces_the_count_and_zero_disarms() -> None:
    faults.arm(seam="mail", fault="refuse", count=5)
    faults.arm(seam="mail", fault="refuse", count=1)
    faults.arm(seam="mail", fault="delay", count=MOST_AT_ONCE)
    assert faults.remaining() == {("mail", "refuse"): 1, ("mail", "delay"): 1000}

    faults.arm(seam="mail", fault="refuse", count=0)

    assert faults.remaining() == {("mail", "delay"): 1000}
    assert not faults.strikes(Seam.MAIL, "refuse")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"seam": "fax"}, "seam", "Use one of payments, discord, mail."),
        ({"seam": ""}, "seam", "Use one of payments, discord, mail."),
        ({"fault": "rate_limit"}, "fault", "Use one of refuse, delay."),
        ({"seam": "payments"}, "fault", "Use one of ."),
        ({"count": -1}, "count", "Use a number from 0 to 1000."),
        ({"count": 1001}, "count", "Use a number from 0 to 1000."),
    ],
)
def test_arming_nonsense_names_the_field(values: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        faults.arm(**{"seam": "mail", "fault": "refuse", "count": 1, **values})

    assert (caught.value.field, caught.value.message) == (field, message)
    assert not ArmedFault.objects.exists()


def test_racing_calls_never_share_a_strike(race: Callable[[Sequence[Callable[[], Any]]], list[Any]]) -> None:
    faults.arm(seam="mail", fault="refuse", count=3)

    results = race([lambda: faults.strikes(Seam.MAIL, "refuse")] * 8)

    assert sorted(results) == [False] * 5 + [True] * 3
    assert str(ArmedFault.objects.get()) == "mail refuse x0"
