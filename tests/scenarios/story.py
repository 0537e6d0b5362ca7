"""The words in which the rules about money are told.

A story has one student ("she"), one coach and one gateway. `given_` brings it to where it begins, `when_` is something
that happens, with all due work that follows, and `then_` looks at what people see: the calendar, the bank statement,
the mailbox, the page, the operator's list. Every step goes through what the product itself has: services, pages,
callbacks over HTTP, due rows. A rule that needs another word adds it here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db.models import Sum
from django.test import Client
from django.utils.html import strip_tags
from tests.bookings import steps
from tests.bookings.steps import ADMIN, COACH, GUEST, at
from tests.factories import by_hand, downloads
from tests.factories.clock import SettableClock
from tests.factories.racing import race

from greenroom.bookings import links, money_checks, services
from greenroom.bookings.models import Booking
from greenroom.bookings.types import Party, PaymentStart
from greenroom.catalog.models import Offer
from greenroom.core.money import Money
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.manual.models import ManualPayment
from greenroom.integrations.sandbox import faults
from greenroom.integrations.stripe import signature
from greenroom.integrations.stripe.protocol import PayState, RefundState
from greenroom.integrations.stripe.sandbox import disputes
from greenroom.integrations.stripe.sandbox.models import Checkout, Dispute, Event
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.ticker import run_until_idle
from greenroom.orders.models import Document, Order
from greenroom.orders.services import plan_access_reviews, plan_missing_documents
from greenroom.orders.types import ReturnAddresses
from greenroom.payments import queries as payments
from greenroom.payments.models import GatewayEvent, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.services import collect_events, poll, refund_by_staff, retry_refund
from greenroom.payments.services.refunds import Form

PRICE = 5000
NOON = at(12)  # of Wednesday; every story begins on Monday at ten
GOOD_CARD = "4242 4242 4242 4242"
HER = "ann@example.org"
QUARTER = timedelta(minutes=15)
_BUDGET = timedelta(seconds=60)
_SEE_OTHER = 303


class Story:
    """What happened so far, and the words to go on."""

    def __init__(self, offer: Offer, clock: SettableClock, address: str) -> None:
        self.offer = offer
        self.clock = clock
        self.address = address
        self.words_on_the_pay_page = ""
        self.most_she_may_pay = PRICE
        self._booking: Booking | None = None
        self._purchase: Order | None = None

    # Where it begins.

    def given_a_time_under_payment(self, starts_at: datetime = NOON) -> None:
        """She chose a time, said who she is, and looks at the gateway's page."""
        self.given_a_time_with_details(starts_at)
        self.when_she_goes_to_pay()

    def given_a_time_with_details(self, starts_at: datetime = NOON) -> None:
        """She chose a time and said who she is; nothing is asked of the gateway yet."""
        self._booking = steps.describe(steps.hold(self.offer, starts_at))

    def given_a_paid_booking(self, starts_at: datetime = NOON, *, card: str = GOOD_CARD) -> None:
        """She chose a time and paid for it, and everybody knows."""
        self.given_a_time_under_payment(starts_at)
        self.when_she_pays(card)
        self.then_the_time_is_hers()

    def given_a_payment_that_ended_unpaid(self, starts_at: datetime = NOON) -> None:
        """She left the gateway's page, her time to pay was over, and the page was ended."""
        self.given_a_time_under_payment(starts_at)
        self.when_time_passes(QUARTER)
        self.then_the_time_is_free()

    def given_the_gateway_will(self, fault: str, *, times: int = 1) -> None:
        """Arm a fault of the gateway."""
        faults.arm(seam="payments", fault=fault, count=times)

    def given_the_policy(self, *tiers: tuple[int, int]) -> None:
        """Let the offer promise so many percent back until so many hours before."""
        for hours, percent in tiers:
            self.offer.refund_tiers.create(notice_hours=hours, percent=percent)

    def given_a_download_to_be_paid_by_hand(self) -> None:
        """She ordered a download for as much as the call, chose the bank transfer and was told how to pay."""
        self._purchase = downloads.order(downloads.make_download(self.offer.coach, price_minor=PRICE))
        downloads.start(self._purchase, f"method-{by_hand.make_method().pk}")
        self.when_the_work_is_done()

    # What she does.

    def when_she_goes_to_pay(self) -> PaymentStart:
        """Accept the order and be sent to the gateway; safe from many threads."""
        booking = self.booking
        addresses = ReturnAddresses(links.confirmed_url(booking), links.checkout_url(booking))
        return services.start_payment(booking=booking, addresses=addresses, actor=GUEST, now=self.clock())

    def when_she_pays(self, card: str = GOOD_CARD, *, page: int = -1) -> None:
        """Type a card on the gateway's page, the latest one unless told, and let all that follows happen."""
        self._post(page, {"card": card})
        self.when_the_work_is_done()

    def when_she_pays_and_the_gateway_is_silent(self) -> None:
        """Pay while the gateway's callbacks wait, so that the story can tell them in its own way: see `callbacks`."""
        self._post(-1, {"card": GOOD_CARD})
        Job.objects.filter(kind="stripe_sandbox.deliver_event", state=JobState.DUE).delete()

    def when_she_tells_her_bank(self, answer: str, *, page: int = -1) -> None:
        """Answer the bank's question: `approve` or `refuse`."""
        self._post(page, {"bank": answer})
        self.when_the_work_is_done()

    def when_she_pays_by_debit(self, how_it_ends: str) -> None:
        """Pay by a bank debit that settles two minutes later: `settle` or `bounce`."""
        self._post(-1, {"debit": how_it_ends})
        self.when_the_work_is_done()

    def when_her_money_comes_after_all(self, *, page: int = -1) -> None:
        """Let a slow bank pay what was ended already: gateways do that, and tell it."""
        self.given_the_gateway_will("paid_after_the_end")
        self.when_she_pays(page=page)

    def when_she_says_that_she_paid_by_hand(self) -> None:
        """Tell it on the page of her payment by hand."""
        by_hand.hand_in(self.purchase)
        self.when_the_work_is_done()

    def when_she_cancels(self) -> Money:
        """Cancel as a student; returns what she was told that goes back."""
        due = services.cancel_booking(booking=self.booking, actor=GUEST, now=self.clock())
        self.when_the_work_is_done()
        return due

    # What the others do.

    def when_the_coach_cancels(self) -> Money:
        """Cancel as the coach."""
        due = services.cancel_booking(booking=self.booking, actor=COACH, now=self.clock())
        self.when_the_work_is_done()
        return due

    def when_nobody_came(self, party: Party) -> None:
        """Say which side did not come."""
        services.mark_no_show(booking=self.booking, party=party, actor=COACH, now=self.clock())
        self.when_the_work_is_done()

    def when_somebody_else_takes_the_time(self) -> None:
        """Let another student hold it."""
        steps.hold(self.offer, self.booking.session.starts_at, holder="bob")

    def when_staff_say_what_arrived(self, minor: int = PRICE) -> None:
        """Let the staff find her transfer on their account statement."""
        by_hand.approve(self.purchase, Money(minor, "EUR"))
        self.when_the_work_is_done()

    def when_staff_find_nothing(self) -> None:
        """Let the staff say that nothing arrived."""
        by_hand.refuse(self.purchase)
        self.when_the_work_is_done()

    def when_staff_send_the_money_back(self) -> None:
        """Let the staff send the one refund, and say so."""
        by_hand.answer_refund()
        self.when_the_work_is_done()

    def when_staff_refund(self, minor: int, *, seen_left: int | None = None, token: str = "form-1") -> None:  # noqa: S107 -- no secret
        """Give part of it back by hand, as shown on the operator's page."""
        self.ask_staff_to_refund(minor, seen_left=seen_left, token=token)
        self.when_the_work_is_done()

    def ask_staff_to_refund(self, minor: int, *, seen_left: int | None, token: str) -> None:
        """Send the operator's form alone; safe from many threads."""
        ref = self._purchase.ref if self._purchase else steps.order_ref(self.booking)
        left = payments.refundable_of_order(ref, currency="EUR").minor if seen_left is None else seen_left
        refund_by_staff(
            order_ref=ref,
            amount=Money(minor, "EUR"),
            seen_left=Money(left, "EUR"),
            form=Form("Goodwill", token),
            actor=ADMIN,
            now=self.clock(),
        )

    def when_the_operator_tries_the_refund_again(self) -> None:
        """Press the button of the refund that failed last."""
        failed = RefundRequest.objects.filter(state=RefundState.FAILED).latest("pk")
        retry_refund(refund_id=failed.pk, actor=ADMIN, now=self.clock())
        self.when_the_work_is_done()

    def when_she_disputes(self, *, is_inquiry: bool = False) -> None:
        """Let her ask her bank for the money back, or only ask about it."""
        disputes.raise_dispute(self._checkout(-1).ref, is_inquiry=is_inquiry, now=self.clock())
        self.when_the_work_is_done()

    def when_the_bank(self, step: str) -> None:
        """Let the bank do something about her dispute: see `disputes.steps_of`."""
        disputes.take_step(Dispute.objects.latest("pk").ref, step, now=self.clock())
        self.when_the_work_is_done()

    # Time, due work and callbacks.

    def when_time_passes(self, by: timedelta) -> None:
        """Move the clock, and run each due row at the time at which it falls due."""
        self.when_it_is(self.clock() + by)

    def when_it_is(self, end: datetime) -> None:
        """Move the clock to an instant in the same way."""
        while True:
            run_until_idle(source="test", budget=_BUDGET)
            due = Job.objects.filter(state=JobState.DUE, due_at__lte=end).order_by("due_at").first()
            if due is None:
                break
            self.clock.set(max(due.due_at, self.clock()))
        self.clock.set(end)

    def when_the_work_is_done(self) -> None:
        """Run what is due now."""
        self.when_it_is(self.clock())

    def when_the_shop_asks_the_gateway(self) -> None:
        """Do what recurs by the clock: ask after what is undecided, collect lost callbacks, write receipts."""
        later = self.clock.advance(timedelta(minutes=5))
        poll(now=later)
        collect_events(now=later)
        self.when_the_work_is_done()
        plan_missing_documents(now=later)
        self.when_the_work_is_done()

    def when_access_is_compared_with_money(self) -> None:
        """Do what recurs every minute for what is bought without a time."""
        plan_access_reviews(now=self.clock())
        self.when_the_work_is_done()

    def when_everybody_at_once(self, tries: Sequence[Callable[[], Any]]) -> list[Any]:
        """Do things at the same time, each on a connection of its own; then the due work."""
        results = race(tries)
        self.when_the_work_is_done()
        return results

    def tell_shop(self, body: bytes, *, at: datetime | None = None, secret: str = "") -> int:
        """Send a callback as somebody would; signed now and genuinely unless told. Returns the status."""
        genuine = settings.ENVIRONMENT.stripe_webhook_secrets[0]
        header = signature.sign(body, secret=secret or genuine, at=at or self.clock())
        answer = httpx.post(
            f"{self.address}/api/webhooks/stripe",
            content=body,
            headers={signature.HEADER: header, "Content-Type": "application/json"},
            trust_env=False,
        )
        return answer.status_code

    def callbacks(self, *types: str) -> list[bytes]:
        """Return what the gateway has to tell, oldest first, only of these types if any are named."""
        found = Event.objects.filter(type__in=types) if types else Event.objects.all()
        return [event.body.encode() for event in found.order_by("pk")]

    # What people see.

    @property
    def booking(self) -> Booking:
        """Her booking as it is now."""
        assert self._booking is not None
        return steps.fresh(self._booking)

    @property
    def status(self) -> str:
        """The status of her booking."""
        return self.booking.status

    @property
    def purchase(self) -> Order:
        """What she buys without a time, as it is now."""
        assert self._purchase is not None
        return downloads.fresh(self._purchase)  # type: ignore[no-any-return]

    def go_back_to(self, booking: Booking) -> None:
        """Go on with an earlier booking of hers."""
        self._booking = booking

    def then_the_time_is_hers(self) -> None:
        """It is confirmed, and it occupies the calendar once."""
        assert self.status == "confirmed"
        assert steps.occupied() == [self.booking.session.starts_at]

    def then_it_is_hers(self) -> None:
        """What she bought stands in her library."""
        assert self.purchase.gives_access
        assert "A workbook" in self._library()

    def then_it_is_not_hers(self) -> None:
        """It does not, or not any more."""
        assert not self.purchase.gives_access
        assert self.purchase.buyer is None or "A workbook" not in self._library()

    def then_the_time_is_free(self) -> None:
        """Nobody has it, and another student could take it."""
        assert self.status in {"expired", "cancelled"}
        assert self.booking.session.starts_at not in steps.occupied()

    def then_the_time_is_kept(self) -> None:
        """It waits for her payment, and nobody else can have it."""
        assert self.status == "pending_payment"
        assert self.booking.session.starts_at in steps.occupied()

    def then_her_bank_shows(self, minor: int, currency: str = "EUR") -> None:
        """What left her account and did not come back, over all of her payments."""
        assert bank_statement().get(currency, 0) == minor

    def then_she_reads(self, *subjects: str) -> None:
        """The mails that she got, each by the beginning of its subject, oldest first."""
        arrived = list(DeliveredMail.objects.filter(to=HER).order_by("pk").values_list("subject", flat=True))
        assert len(arrived) == len(subjects), arrived
        assert [one[: len(wanted)] for one, wanted in zip(arrived, subjects, strict=True)] == list(subjects)

    def then_her_page_says(self, words: str, *, page: Callable[[Booking], str] = links.confirmed_url) -> None:
        """The page to which the gateway sends her back, or another one of `bookings.links`."""
        address = urlsplit(page(self.booking))
        page = Client().get(f"{address.path}?{address.query}", follow=True)
        assert words in " ".join(strip_tags(page.content.decode()).split())

    def then_the_operator_sees(self, *kinds: str) -> None:
        """The items that need a person, by kind, oldest first."""
        assert operators_items() == list(kinds)

    def then_the_refunds_are(self, *refunds: tuple[int, str]) -> None:
        """What was asked back, as amount and cause."""
        assert steps.refunds() == list(refunds)

    def then_the_documents_are(self, *labels: tuple[str, int]) -> None:
        """The receipts and notes, as number and amount."""
        assert list(Document.objects.order_by("pk").values_list("label", "amount_minor")) == list(labels)

    def then_nothing_is_lost(self) -> None:
        """What must be true at the end of every story, and is asked there: see `conftest.story`.

        Once the shop asked the gateway, its ledger says what the banks say, every journal adds up, she has not paid
        more than once, and the nightly check finds nothing: who paid has the time, a refund or a person's attention.
        """
        self.when_the_shop_asks_the_gateway()
        assert _arrived() == bank_statement()
        assert money_checks.find_all(now=self.clock() + timedelta(hours=2)) == []
        assert max(bank_statement().values(), default=0) <= self.most_she_may_pay
        assert not GatewayEvent.objects.filter(state="received").exclude(metadata={}).exists()

    # How it is done.

    def _library(self) -> str:
        reader = Client()
        reader.force_login(self.purchase.buyer)
        return strip_tags(reader.get("/library/").content.decode())

    def _checkout(self, page: int) -> Checkout:
        attempts = PaymentAttempt.objects.filter(order_ref=steps.order_ref(self.booking)).order_by("seq")
        return Checkout.objects.get(ref=list(attempts)[page].gateway_ref)

    def _post(self, page: int, form: dict[str, str]) -> None:
        answer = self.send_form(self._checkout(page).ref, form)
        self.words_on_the_pay_page = "" if answer.status_code == _SEE_OTHER else strip_tags(answer.text)

    def send_form(self, checkout_ref: str, form: dict[str, str]) -> httpx.Response:
        """Send a form of the gateway's page, over HTTP; safe from many threads."""
        return httpx.post(f"{self.address}/sandbox/pay/{checkout_ref}", data=form, trust_env=False, timeout=60)


def bank_statement() -> dict[str, int]:
    """Return what the gateway took and did not give back, in minor units by currency; nothing where it is nothing.

    With what people sent and got back by hand.
    """
    kept: dict[str, int] = {}
    for payment in ManualPayment.objects.filter(received_at__isnull=False).prefetch_related("refunds"):
        sent = sum(one.amount_minor for one in payment.refunds.all() if one.state == RefundState.SUCCEEDED)
        kept[payment.received_currency] = kept.get(payment.received_currency, 0) + payment.received_minor - sent
    for one in Checkout.objects.filter(state=PayState.PAID).prefetch_related("refunds", "disputes"):
        back = sum(refund.amount_minor for refund in one.refunds.all() if refund.state == RefundState.SUCCEEDED)
        taken = sum(dispute.withdrawn_minor - dispute.reinstated_minor for dispute in one.disputes.all())
        kept[one.captured_currency] = kept.get(one.captured_currency, 0) + one.captured_minor - back - taken
    return {currency: minor for currency, minor in kept.items() if minor}


def operators_items() -> list[str]:
    """Return the kinds of what stopped and needs a person, oldest first."""
    return list(Job.objects.filter(state=JobState.FAILED).order_by("pk").values_list("kind", flat=True))


def _arrived() -> dict[str, int]:
    """Return what came from customers and stayed by the ledger, the gateway's fees left aside."""
    entries = LedgerEntry.objects.filter(account__startswith="gateway:").exclude(kind__in=["fee", "dispute_fee"])
    sums = entries.values_list("currency").annotate(Sum("amount_minor"))
    return {currency: minor for currency, minor in sums.order_by() if minor}
