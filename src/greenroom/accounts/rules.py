"""Decisions about linking and codes, from known values alone."""

from datetime import timedelta

from greenroom.accounts.types import LinkDecision

SCOPES = ("identify", "guilds.join")
# How long one may take at Discord's consent page, with signing in there.
ATTEMPT_LIFETIME = timedelta(minutes=15)
CODE_LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
# Discord's codes have some thirty characters; anything much longer is not one.
LONGEST_OAUTH_CODE = 512


def decide_link(*, owner_id: int | None, user_id: int | None, is_for_booking: bool) -> LinkDecision:
    """Decide about a Discord account whose owner among our users is `owner_id`, linked in the name of `user_id`.

    None is a guest or nobody. An account that is somebody else's can be used for one booking, after a code that
    only that somebody can read; the link itself never moves.
    """
    if owner_id is None or owner_id == user_id:
        return LinkDecision.USE
    return LinkDecision.ASK_FOR_CODE if is_for_booking else LinkDecision.REFUSE
