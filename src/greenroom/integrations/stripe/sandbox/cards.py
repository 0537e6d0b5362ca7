"""The published test cards and what each of them does (docs.stripe.com/testing)."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Behaviour(StrEnum):
    """What a way to pay does, kept with the payment in place of a number."""

    PAYS = "pays"
    DECLINES = "declines"
    ASKS_BANK = "asks_bank"
    REFUND_FAILS_LATER = "refund_fails_later"
    REFUND_PENDS = "refund_pends"
    IS_DISPUTED = "is_disputed"
    DEBIT_BOUNCES = "debit_bounces"


@dataclass(frozen=True, slots=True)
class Card:
    """One test card: what it does and, when it declines, the code and the words the person reads."""

    behaviour: Behaviour
    label: str
    code: str = ""
    words: str = ""


_DECLINED = "Your card was declined."
_BANK = "Your card has insufficient funds. Try another card."
_CVC = "Your card's security code is incorrect."
_ERROR = "An error occurred while processing your card. Try again in a little bit."

CARDS: dict[str, Card] = {
    "4242424242424242": Card(Behaviour.PAYS, "Pays at once"),
    "4000002500003155": Card(Behaviour.ASKS_BANK, "Asks the bank first (3-D Secure)"),
    "4000002760003184": Card(Behaviour.ASKS_BANK, "Asks the bank every time (3-D Secure)"),
    "4000000000000002": Card(Behaviour.DECLINES, "Declined", "generic_decline", _DECLINED),
    "4000000000009995": Card(Behaviour.DECLINES, "Declined: no funds", "insufficient_funds", _BANK),
    "4000000000000069": Card(Behaviour.DECLINES, "Declined: expired", "expired_card", "Your card has expired."),
    "4000000000000127": Card(Behaviour.DECLINES, "Declined: wrong security code", "incorrect_cvc", _CVC),
    "4000000000000119": Card(Behaviour.DECLINES, "Declined: processing error", "processing_error", _ERROR),
    "4000000000005126": Card(Behaviour.REFUND_FAILS_LATER, "Pays; a refund succeeds, then fails"),
    "4000000000007726": Card(Behaviour.REFUND_PENDS, "Pays; a refund is pending, then succeeds"),
    "4000000000000259": Card(Behaviour.IS_DISPUTED, "Pays; is disputed a little later"),
}


def find_card(typed: str) -> Card | None:
    """Return the test card somebody typed, spaces and dashes allowed, or None for every other number."""
    return CARDS.get(typed.replace(" ", "").replace("-", ""))


def cards_to_try() -> list[tuple[str, str]]:
    """Return every card as it is printed on cards, in fours, and what it does."""
    return [(" ".join(re.findall("....", number)), card.label) for number, card in CARDS.items()]
