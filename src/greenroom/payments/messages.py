"""What the site's operator is mailed about money."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.payments.models import Dispute
from greenroom.payments.queries import find_trouble_with_dispute


def dispute_opened(message: Message, _now: datetime) -> Content | None:
    """Tell the operator of a dispute or inquiry, and until when it wants an answer; None once it is over."""
    dispute = Dispute.objects.select_related("attempt").filter(pk=message.subject_id).first()
    words = find_trouble_with_dispute(dispute.pk) if dispute else ""
    if dispute is None or not words:
        return None
    order_url = f"{settings.BASE_URL}{reverse('ops_order', args=[dispute.attempt.order_ref])}"
    letter = Letter(
        subject="A bank asks about a payment" if dispute.is_inquiry else "A payment is disputed",
        opening=words,
        actions=(Action("See the order", order_url),),
    )
    return render(letter)
