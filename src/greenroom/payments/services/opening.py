"""Beginning to be paid."""

import hashlib
import json
import time
from datetime import datetime

from greenroom.core.currencies import is_sold_in, least_charge, step_minor
from greenroom.core.ids import new_ref
from greenroom.core.transactions import refuse_network_in_transaction, unit_of_work
from greenroom.integrations.stripe.protocol import (
    GatewayConflictError,
    GatewayRejectedError,
    GatewayUnavailableError,
)
from greenroom.payments import gateways, queries, rules
from greenroom.payments.errors import (
    AlreadyPaidError,
    AmountNotChargeableError,
    PaymentClosingError,
    PaymentInProgressError,
    PaymentRefusedError,
    PaymentUnavailableError,
)
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.services.attempts import declare_dead, lock_attempt, lock_attempts
from greenroom.payments.services.closing import close_at_gateway
from greenroom.payments.services.creating import learn_checkout
from greenroom.payments.types import AttemptState, NewPayment

_ROUNDS = 3
_LOOKS_WHILE_BUSY = 15
_PAUSE_SECONDS = 0.2


def open_attempt(wish: NewPayment, *, now: datetime) -> PaymentAttempt:
    """Return an attempt with a page at which the order can be paid until `wish.expires_at`.

    Must run outside transactions. The attempt is committed before the gateway is called. A second call, also a
    concurrent one, returns the same attempt while it can be paid; after a lost answer it continues with the same
    key; a changed total, and another gateway, end the old attempt where it was made first; one that failed or died is
    followed by a new one.
    Raises: AmountNotChargeableError before anything is stored; PaymentUnavailableError (try again),
    PaymentRefusedError, PaymentClosingError, PaymentInProgressError, AlreadyPaidError; ValueError when the total is
    not above zero.
    """
    refuse_network_in_transaction()
    total = wish.total
    if total.minor <= 0:
        raise ValueError("Nothing is to be paid; an order of zero needs no gateway.")
    if (
        not is_sold_in(total.currency)
        or total < least_charge(total.currency)
        or total.minor % step_minor(total.currency)
    ):
        raise AmountNotChargeableError
    for _ in range(_ROUNDS):
        attempt = _open_once(wish, now)
        if attempt is not None:
            return attempt
    raise PaymentUnavailableError


def _open_once(wish: NewPayment, now: datetime) -> PaymentAttempt | None:
    """Return the attempt, or None when an old one had to be ended and a new one is to be begun."""
    attempt, is_new = _find_or_store(wish, now)
    if (attempt.params_hash, attempt.gateway) != (_hash_of(wish), wish.gateway):
        _end_outdated(attempt, now)
        return None
    if attempt.state != AttemptState.CREATED:
        return attempt
    try:
        return _checked(_learn_patiently(attempt, now))
    except GatewayRejectedError as error:
        _drop(attempt, str(error), now)
        if is_new:
            raise PaymentRefusedError from error
        return None  # what was stored earlier may only have become too old to be accepted
    except GatewayUnavailableError as error:
        # An error that the gateway keeps under the key would come for ever. Nobody was ever given this page, so it
        # is safe to begin anew; without an answer the same key stays the way to learn what happened.
        if is_new or not error.has_answered:
            raise PaymentUnavailableError from error
        _drop(attempt, str(error), now)
        return None


def _find_or_store(wish: NewPayment, now: datetime) -> tuple[PaymentAttempt, bool]:
    gateway = gateways.get(wish.gateway)
    ref = new_ref()
    with unit_of_work():
        attempts = lock_attempts(wish.order_ref)
        if any(one.state == AttemptState.PAID and queries.refundable(one).minor > 0 for one in attempts):
            raise AlreadyPaidError
        row = PaymentAttempt(
            ref=ref,
            order_ref=wish.order_ref,
            seq=len(attempts) + 1,
            gateway=gateway.code,
            idempotency_key=f"att:{ref}",
            params_hash=_hash_of(wish),
            request=_request_of(wish),
            amount_minor=wish.total.minor,
            currency=wish.total.currency,
            state=AttemptState.CREATED,
            is_test=gateway.is_test,
            expires_at=wish.expires_at,
            created_at=now,
            changed_at=now,
            checked_at=now,
        )
        if not any(one.is_live for one in attempts):
            # A concurrent call may store its row first: the constraint lets one in, and both go on with that one.
            PaymentAttempt.objects.bulk_create([row], ignore_conflicts=True)
        live = PaymentAttempt.objects.get(order_ref=wish.order_ref, state__in=rules.LIVE)
    return _checked(live), live.ref == ref


def _request_of(wish: NewPayment) -> dict[str, object]:
    return {
        "lines": _lines_of(wish),
        "email": wish.email,
        "success_url": wish.success_url,
        "cancel_url": wish.cancel_url,
        **_by_hand_of(wish),
    }


def _hash_of(wish: NewPayment) -> str:
    params = [wish.total.minor, wish.total.currency, _lines_of(wish)]
    if wish.by_hand:
        params.append(wish.by_hand.method_id)
    return hashlib.sha256(json.dumps(params).encode()).hexdigest()


def _by_hand_of(wish: NewPayment) -> dict[str, object]:
    known = wish.by_hand
    if known is None:
        return {}
    until = known.answer_by.isoformat() if known.answer_by else None
    return {"by_hand": {"method_id": known.method_id, "page_url": known.page_url, "tz": known.tz, "answer_by": until}}


def _lines_of(wish: NewPayment) -> list[dict[str, object]]:
    return [{"name": line.name, "minor": line.amount.minor} for line in wish.lines]


def _checked(attempt: PaymentAttempt) -> PaymentAttempt:
    if attempt.is_closing or not attempt.is_live:
        raise PaymentClosingError
    return attempt


def _learn_patiently(attempt: PaymentAttempt, now: datetime) -> PaymentAttempt:
    for _ in range(_LOOKS_WHILE_BUSY):
        try:
            return learn_checkout(attempt, now=now)
        except GatewayConflictError:
            time.sleep(_PAUSE_SECONDS)
    raise GatewayUnavailableError("The gateway is still busy with the same call.")


def _end_outdated(attempt: PaymentAttempt, now: datetime) -> None:
    if attempt.state == AttemptState.PROCESSING:
        raise PaymentInProgressError
    try:
        close_at_gateway(attempt, now=now)
    except (GatewayConflictError, GatewayUnavailableError) as error:
        raise PaymentUnavailableError from error


def _drop(attempt: PaymentAttempt, problem: str, now: datetime) -> None:
    with unit_of_work():
        declare_dead(lock_attempt(attempt.pk), problem=problem, now=now)
