"""How often somebody may try. Kept in the database: every process counts together, and a restart forgets nothing.

Limits per address of the network stop floods; limits per e-mail address or account stop guessing from many places.
"""

from datetime import timedelta

from greenroom.core.ratelimit import RateLimit

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

SIGN_INS_BY_ADDRESS = RateLimit("accounts.sign_in.address", 30, _MINUTE)
FAILED_SIGN_INS = RateLimit("accounts.sign_in.email", 5, 5 * _MINUTE)
CODES_BY_ADDRESS = RateLimit("accounts.code.address", 20, _MINUTE)
CODES_TO_EMAIL = RateLimit("accounts.code.email", 3, _MINUTE)
CODES_TO_EMAIL_A_DAY = RateLimit("accounts.code.email_a_day", 20, _DAY)
CODE_TRIES_BY_ADDRESS = RateLimit("accounts.code_try.address", 30, _MINUTE)
PASSWORD_CHANGES = RateLimit("accounts.password_change.user", 5, _MINUTE)
LINKS_BY_ADDRESS = RateLimit("accounts.link.address", 30, 10 * _MINUTE)
CODES_TO_OWNER = RateLimit("accounts.link_code.owner", 5, _HOUR)
