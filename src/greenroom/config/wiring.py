"""The few tables through which a lower app reaches a higher one. Nothing else ties apps together upwards."""

from datetime import timedelta

from django.conf import settings

from greenroom.accounts import discord as accounts_discord
from greenroom.accounts import jobs as accounts_jobs
from greenroom.accounts import messages as accounts_messages
from greenroom.api import jobs as api_jobs
from greenroom.bookings import jobs as bookings_jobs
from greenroom.bookings import messages as bookings_messages
from greenroom.bookings import services as bookings_services
from greenroom.catalog import jobs as catalog_jobs
from greenroom.config.env import DiscordSettings
from greenroom.core import clock, faults
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.discord.connect import Access, Discord
from greenroom.integrations.discord.oauth import OAuthApplication
from greenroom.integrations.discord.sandbox import faults as discord_faults
from greenroom.integrations.discord.types import GuildId
from greenroom.integrations.mail import transports
from greenroom.integrations.mail.client import SmtpTransport
from greenroom.integrations.mail.protocol import MailTransport
from greenroom.integrations.mail.sandbox import transport as mail_sandbox
from greenroom.integrations.manual.gateway import ManualGateway
from greenroom.integrations.sandbox import faults as sandbox_faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.integrations.stripe.sandbox import faults as stripe_faults
from greenroom.integrations.stripe.sandbox import jobs as stripe_sandbox_jobs
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.jobs import jobs as jobs_jobs
from greenroom.jobs import registry
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.notifications import builders
from greenroom.notifications import jobs as notifications_jobs
from greenroom.orders import by_hand_messages, fulfilment
from greenroom.orders import jobs as orders_jobs
from greenroom.orders import messages as orders_messages
from greenroom.orders import services as orders_services
from greenroom.orders.services.downloads import DOWNLOADS
from greenroom.orders.types import LineKind
from greenroom.payments import gateways
from greenroom.payments import jobs as payments_jobs
from greenroom.payments import messages as payments_messages
from greenroom.payments.queries import webhook_secrets
from greenroom.rooms import discord as rooms_discord
from greenroom.rooms import jobs as rooms_jobs
from greenroom.rooms import messages as rooms_messages
from greenroom.rooms.bot_state import DatabaseBotState

JOB_HANDLERS: dict[str, HandlerSpec] = {
    "bookings.expire_hold": HandlerSpec(bookings_jobs.expire_hold, Lane.MONEY),
    "bookings.time_out_request": HandlerSpec(bookings_jobs.time_out_request, Lane.MONEY),
    "bookings.decide_session": HandlerSpec(bookings_jobs.decide_session, Lane.MONEY),
    "bookings.complete_if_unknown": HandlerSpec(bookings_jobs.complete_if_unknown, Lane.SLOW),
    "bookings.check_money": HandlerSpec(bookings_jobs.check_money, Lane.SLOW, every=timedelta(days=1)),
    "bookings.attach_discord": HandlerSpec(bookings_jobs.attach_discord, Lane.ROOMS),
    "bookings.discord_linked": HandlerSpec(bookings_jobs.discord_linked, Lane.ROOMS),
    "catalog.delete_file": HandlerSpec(catalog_jobs.delete_file, Lane.SLOW),
    "accounts.finish_link": HandlerSpec(accounts_jobs.finish_link, Lane.ROOMS),
    "accounts.revoke_link": HandlerSpec(accounts_jobs.revoke_link, Lane.SLOW),
    "accounts.prune": HandlerSpec(accounts_jobs.prune, Lane.SLOW, every=timedelta(minutes=15)),
    **rooms_jobs.JOB_HANDLERS,
    "orders.settle": HandlerSpec(orders_jobs.settle, Lane.MONEY),
    "orders.end_unpaid": HandlerSpec(orders_jobs.end_unpaid, Lane.MONEY),
    "orders.review_access": HandlerSpec(orders_jobs.review_access, Lane.MONEY, every=timedelta(minutes=1)),
    "orders.tell_refunds": HandlerSpec(orders_jobs.tell_refunds, Lane.MONEY, every=timedelta(minutes=1)),
    "orders.issue_missing": HandlerSpec(orders_jobs.issue_missing, Lane.MONEY, every=timedelta(minutes=1)),
    "orders.book_shares": HandlerSpec(orders_jobs.book_shares, Lane.SLOW),
    "orders.book_missing_shares": HandlerSpec(orders_jobs.book_missing_shares, Lane.SLOW, every=timedelta(days=1)),
    "orders.issue_document": HandlerSpec(orders_jobs.issue_document, Lane.MONEY),
    "notifications.send_message": HandlerSpec(notifications_jobs.send_message, Lane.MAIL),
    **payments_jobs.JOB_HANDLERS,
    "api.prune": HandlerSpec(api_jobs.prune, Lane.SLOW, every=timedelta(days=1)),
    "jobs.prune": HandlerSpec(jobs_jobs.prune, Lane.SLOW, every=timedelta(days=1)),
}

MESSAGE_BUILDERS: dict[str, builders.Builder] = {
    "accounts.sign_in_code": accounts_messages.sign_in_code,
    "accounts.password_reset_code": accounts_messages.password_reset_code,
    "accounts.discord_code": accounts_messages.discord_code,
    "accounts.no_account": accounts_messages.no_account,
    "bookings.confirmed_student": bookings_messages.confirmed_student,
    "bookings.confirmed_coach": bookings_messages.confirmed_coach,
    "bookings.asked_student": bookings_messages.asked_student,
    "bookings.asked_coach": bookings_messages.asked_coach,
    "bookings.declined_student": bookings_messages.declined_student,
    "bookings.unanswered_student": bookings_messages.unanswered_student,
    "bookings.unanswered_coach": bookings_messages.unanswered_coach,
    "bookings.moved_student": bookings_messages.moved_student,
    "bookings.moved_coach": bookings_messages.moved_coach,
    "bookings.move_request": bookings_messages.move_request,
    "bookings.invited_student": bookings_messages.invited_student,
    "bookings.proposed_student": bookings_messages.proposed_student,
    "bookings.cancelled_student": bookings_messages.cancelled_student,
    "bookings.cancelled_coach": bookings_messages.cancelled_coach,
    "bookings.reminder_student": bookings_messages.reminder_student,
    "bookings.session_reminder": bookings_messages.session_reminder,
    "bookings.session_off": bookings_messages.session_off,
    "bookings.unfulfillable": bookings_messages.unfulfillable,
    "bookings.sent_back": bookings_messages.sent_back,
    "bookings.manage_links": bookings_messages.manage_links,
    "orders.document": orders_messages.document,
    "rooms.fallback_coach": rooms_messages.fallback_coach,
    "rooms.fallback_student": rooms_messages.fallback_student,
    "payments.dispute_opened": payments_messages.dispute_opened,
    "orders.purchase_ready": orders_messages.purchase_ready,
    "orders.purchase_sold": orders_messages.purchase_sold,
    "orders.purchase_refused": orders_messages.purchase_refused,
    "orders.purchase_revoked": orders_messages.purchase_revoked,
    "orders.pay_by_hand": by_hand_messages.pay_by_hand,
    "orders.handed_in": by_hand_messages.handed_in,
    "orders.still_waits": by_hand_messages.still_waits,
    "orders.refused": by_hand_messages.refused,
    "orders.wrong_amount": by_hand_messages.wrong_amount,
    "orders.pay_time_over": by_hand_messages.pay_time_over,
    "orders.refund_to_send": by_hand_messages.refund_to_send,
}

# Kind of line -> who settles an order that has one; the first that applies leads, so bookings with anything that has a
# time. Each is given the order's reference and the instant.
SETTLERS: dict[LineKind, fulfilment.Settler] = {
    LineKind.CALL: bookings_services.settle_order,
    LineKind.DOWNLOAD: orders_services.settle_purchase,
}

# Kind of line without a time -> how it is given and taken back.
FULFILMENTS: dict[LineKind, fulfilment.Fulfilment] = {LineKind.DOWNLOAD: DOWNLOADS}


def wire() -> None:
    """Fill every table; called once per process, when all apps are loaded."""
    builders.use(MESSAGE_BUILDERS)
    fulfilment.use(SETTLERS, FULFILMENTS)
    _wire_discord()
    if settings.SANDBOX_ENABLED:
        _wire_sandbox()
    else:
        registry.use(JOB_HANDLERS)
        transports.use(_smtp())
        stripe = _stripe()
        gateways.use(*stripe, ManualGateway(is_test=any(one.is_test for one in stripe)))


def _wire_sandbox() -> None:
    clock.use_source(clock.OffsetClock(settings.DATA_DIR / "clock.json"))
    faults.arm(settings.ENVIRONMENT.fault_point)
    registry.use({**JOB_HANDLERS, **stripe_sandbox_jobs.JOB_HANDLERS})
    transports.use(mail_sandbox.SandboxTransport())
    gateways.use(SandboxGateway(), ManualGateway(is_test=True))
    sandbox_faults.use(
        {
            Seam.PAYMENTS: stripe_faults.FAULTS,
            Seam.DISCORD: discord_faults.FAULTS,
            Seam.MAIL: mail_sandbox.FAULTS,
        }
    )


def _wire_discord() -> None:
    known: DiscordSettings | None = settings.DISCORD
    if known is None:
        return
    application = OAuthApplication(known.client_id, known.client_secret, known.redirect_uri, known.authorize_url)
    connection = Discord(
        Access(known.api_base, known.bot_token, application, settings.BASE_URL),
        state=DatabaseBotState(known.bot_token),
        refuse_if_in_transaction=refuse_network_in_transaction,
    )
    accounts_discord.use(connection.sign_in)
    rooms_discord.use(
        rooms_discord.Connection(connection.api, connection.sign_in, GuildId(int(known.guild_id)), known.pages_url)
    )


def _stripe() -> list[StripeGateway]:
    """Connect Stripe if it has a key; callbacks are genuine under the settings' secrets and those made at /ops/."""
    known = settings.ENVIRONMENT
    if not known.stripe_secret_key:
        return []

    def secrets() -> tuple[str, ...]:
        return known.stripe_webhook_secrets + webhook_secrets(StripeGateway.code)

    return [StripeGateway(known.stripe_secret_key, secrets)]


def _smtp() -> MailTransport | None:
    smtp = settings.ENVIRONMENT.smtp
    return SmtpTransport(smtp, settings.MAIL_FROM) if smtp else None
