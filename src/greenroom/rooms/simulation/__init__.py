"""Chance against rooms: whole lives of sessions, played by dice, in which everything goes wrong that may.

The real client, the sandbox's own views, the real due rows and handlers, and a clock that is moved; two machines that
work the rows off and die, stall and lose answers; a server whose people rename, open, delete and lock. After every
step it is compared what everybody sees with what they should see, and in the end what is left over. The same seed
plays the same life. Nothing of the installation is read or written: see `theatre.throwaway`.
"""

from greenroom.rooms.simulation.play import play_seeds
from greenroom.rooms.simulation.tally import PARTS, Tally

__all__ = ["PARTS", "Tally", "play_seeds"]
