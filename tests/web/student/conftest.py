"""The stopped clock, the wired gateway and the offer of the bookings' own tests, for pages that lead to them."""

from tests.bookings.conftest import gateway, nothing_kept, now, offer, run_jobs

__all__ = ["gateway", "nothing_kept", "now", "offer", "run_jobs"]
