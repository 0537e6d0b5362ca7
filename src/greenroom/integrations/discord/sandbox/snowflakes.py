"""Mints the sandbox's ids: the time of Greenroom's clock, so that a room's age can be read off its id as at Discord."""

import itertools
import os
from datetime import datetime

from greenroom.integrations.discord.snowflake import snowflake_at

# Discord's layout of the low 22 bits: 10 for the worker and process, 12 that count up within them.
_COUNTER_BITS = 12
_PROCESS_MASK = 0x3FF
_counter = itertools.count()


def mint(now: datetime) -> int:
    """Return a fresh id that says `now` (aware); several processes do not collide, nor do calls in one millisecond."""
    process = (os.getpid() & _PROCESS_MASK) << _COUNTER_BITS
    return snowflake_at(now, process | next(_counter) % (1 << _COUNTER_BITS))
