"""The cancellation policies that a coach can choose by name. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from greenroom.catalog.types import DEFAULT_REFUND_TIERS, PolicyPreset, RefundTier

_P = PolicyPreset
# What counts are the rules themselves: an offer keeps rules and no name, and an order a copy of them.
PRESETS: Mapping[PolicyPreset, tuple[RefundTier, ...]] = {
    _P.FLEXIBLE: (RefundTier(timedelta(hours=1), 100),),
    _P.DAY: DEFAULT_REFUND_TIERS,
    _P.MODERATE: (RefundTier(timedelta(hours=48), 100), RefundTier(timedelta(hours=24), 50)),
    _P.STRICT: (RefundTier(timedelta(days=7), 100), RefundTier(timedelta(hours=48), 50)),
    # A rule that gives nothing, because an offer without any rule has the default one.
    _P.NONE: (RefundTier(timedelta(0), 0),),
}


def preset_of(tiers: Sequence[RefundTier]) -> PolicyPreset:
    """Return the policy that has exactly these rules, in any order; `OWN` when none has."""
    return next((preset for preset, rules in PRESETS.items() if set(rules) == set(tiers)), _P.OWN)
