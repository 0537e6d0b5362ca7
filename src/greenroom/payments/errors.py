"""What may stand in the way of a payment or a refund."""

from greenroom.core.errors import GreenroomError
from greenroom.integrations.stripe.protocol import GatewayUnavailableError


class PaymentUnavailableError(GreenroomError):
    """The gateway gave no usable answer; trying again in a moment continues where this stopped."""

    code = "payment_unavailable"
    message = "The payment service does not answer right now. Nothing was taken. Please try again in a moment."


class PaymentsOffError(PaymentUnavailableError):
    """The site has no gateway."""

    code = "payments_off"
    message = "This site does not take payments yet. Nothing was taken. Please contact the coach."


class GatewayOffError(GatewayUnavailableError):
    """What a row names as its gateway is switched off, so nobody can be asked; it is tried again until it is back."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The gateway “{code}” is switched off: switch it on again to go on with this.")


class EndpointRefusedError(GreenroomError):
    """The gateway did not make an endpoint for its callbacks; the message has its words."""

    code = "endpoint_refused"
    message = "The gateway refused to make the endpoint."


class PaymentRefusedError(GreenroomError):
    """The gateway refused to make a payment page; trying again does not help."""

    code = "payment_refused"
    message = "The payment service refused this payment. Nothing was taken. Please contact the coach."


class AmountNotChargeableError(PaymentRefusedError):
    """The total is below what can be charged, or in a currency in which nothing is sold."""

    code = "amount_not_chargeable"
    message = "This amount cannot be charged. Nothing was taken. Please contact the coach."


class PaymentClosingError(GreenroomError):
    """The order's payment is being ended, so no new one may begin."""

    code = "payment_closing"
    message = "The time to pay is over. Please choose a time again."


class PaymentInProgressError(GreenroomError):
    """A payment of another total is being worked on by the bank."""

    code = "payment_in_progress"
    message = "A payment for this is already being processed. Please wait until it is decided."


class AlreadyPaidError(GreenroomError):
    """The order has been paid."""

    code = "already_paid"
    message = "This has already been paid."


class AnsweredAlreadyError(GreenroomError):
    """Somebody else has decided about this payment or refund already."""

    code = "answered_already"
    message = "Somebody has answered this already. Look again."


class NotRefundableError(GreenroomError):
    """More is asked back than is left of the payment."""

    code = "not_refundable"
    message = "That is more than what is left to refund."


class PaymentDisputedError(NotRefundableError):
    """The bank is deciding about this payment: what is refunded now may have to be paid twice."""

    code = "payment_disputed"
    message = (
        "The cardholder disputes this payment, and the bank has the money until it has decided. "
        "Nothing can be refunded before that."
    )


class RefundChangedError(NotRefundableError):
    """What is left of the money is not what was shown when the refund was decided."""

    code = "refund_changed"
    message = "What is left has changed since this page was opened. Nothing was sent. Please look again."
