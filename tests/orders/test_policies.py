from datetime import UTC, datetime, timedelta

import pytest

from greenroom.catalog.policies import PRESETS, preset_of
from greenroom.catalog.types import PolicyPreset, RefundTier
from greenroom.notifications.display import Viewer
from greenroom.orders.policies import dated_policy, dated_sentences, policy_sentences, short_words, steps_ahead
from greenroom.orders.rules import refund_percent

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
# Noon in Berlin on the day after its clocks went forward: two days before is another offset.
START = datetime(2026, 3, 30, 10, tzinfo=UTC)
BERLIN = Viewer("Europe/Berlin")
MODERATE, STRICT, NONE = (PRESETS[one] for one in (PolicyPreset.MODERATE, PolicyPreset.STRICT, PolicyPreset.NONE))
COACH = "If the coach cancels or does not come, everything comes back."


@pytest.mark.parametrize("preset", [preset for preset in PolicyPreset if preset is not PolicyPreset.OWN])
def test_preset_is_known_again_by_its_rules(preset: PolicyPreset) -> None:
    assert preset_of(PRESETS[preset][::-1]) is preset


@pytest.mark.parametrize("tiers", [(), (RefundTier(24 * HOUR, 99),), (*MODERATE, RefundTier(HOUR, 10))])
def test_other_rules_are_the_coachs_own(tiers: tuple[RefundTier, ...]) -> None:
    assert preset_of(tiers) is PolicyPreset.OWN


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        (PolicyPreset.FLEXIBLE, "everything back until 1 hour before"),
        (PolicyPreset.DAY, "everything back until 24 hours before"),
        (PolicyPreset.MODERATE, "everything back until 48 hours before, 50 % back until 24 hours before"),
        (PolicyPreset.STRICT, "everything back until 7 days before, 50 % back until 48 hours before"),
        (PolicyPreset.NONE, "nothing comes back when a student cancels"),
    ],
)
def test_short_words_of_every_preset(preset: PolicyPreset, words: str) -> None:
    assert short_words(PRESETS[preset]) == words


def test_policy_without_a_session_speaks_of_hours() -> None:
    assert policy_sentences(MODERATE) == [
        "Everything comes back if you cancel at least 48 hours before.",
        "50 % comes back if you cancel at least 24 hours before.",
        f"After that nothing is refunded. {COACH}",
    ]
    assert policy_sentences(NONE) == policy_sentences(()) == [f"If you cancel, nothing is refunded. {COACH}"]
    assert policy_sentences([RefundTier(timedelta(), 30)])[0] == "30 % comes back if you cancel before the start."


def test_policy_of_a_session_names_the_dates_in_the_readers_zone() -> None:
    assert dated_policy(STRICT, starts_at=START, now=START - 200 * HOUR, viewer=BERLIN) == [
        "Everything comes back if you cancel by Mon 23 Mar, 11:00 Berlin time.",
        "50 % comes back if you cancel by Sat 28 Mar, 11:00 Berlin time.",
        "After that nothing is refunded.",
        COACH,
    ]


def test_dates_that_are_over_are_left_out_to_the_instant() -> None:
    def said(before: timedelta) -> list[str]:
        return dated_sentences(MODERATE, starts_at=START, now=START - before, viewer=BERLIN)

    half = "50 % comes back if you cancel by Sun 29 Mar, 12:00 Berlin time."
    assert len(said(48 * HOUR)) == 3
    assert said(48 * HOUR - INSTANT) == said(24 * HOUR) == [half, "After that nothing is refunded."]
    assert said(24 * HOUR - INSTANT) == [
        "If you cancel now, nothing is refunded: that was possible until Sun 29 Mar, 12:00 Berlin time."
    ]
    assert dated_sentences(NONE, starts_at=START, now=START - 99 * HOUR, viewer=BERLIN) == [
        "If you cancel, nothing is refunded."
    ]


@pytest.mark.parametrize("tiers", list(PRESETS.values()))
@pytest.mark.parametrize("hours", [*range(0, 60, 4), 167, 168, 169])
def test_words_promise_what_cancelling_then_gives(tiers: tuple[RefundTier, ...], hours: int) -> None:
    now = START - hours * HOUR

    ahead = steps_ahead(tiers, starts_at=START, now=now)

    assert refund_percent(tiers, starts_at=START, now=now) == (ahead[0][0] if ahead else 0)
