"""Downloads: the form, and their files."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from greenroom.catalog import services
from greenroom.catalog.errors import OfferIncompleteError
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferKind, OfferStatus
from greenroom.core import clock
from greenroom.core.errors import GreenroomError, InvalidInputError, NotFoundError
from greenroom.core.uploads import has_skipped_file, limit_words
from greenroom.web.problems import problems_of, status_of
from greenroom.web.studio.access import Desk, coach_only
from greenroom.web.studio.offers.acting import act, own_offer
from greenroom.web.studio.offers.forms import DownloadForm
from greenroom.web.studio.rows import blame

_SECTION = "offers"


@require_http_methods(["GET", "HEAD", "POST"])
@coach_only
def new_download(request: HttpRequest, desk: Desk) -> HttpResponseBase:
    """Show the form of a new download; a POST makes it."""
    return edit(request, desk, Offer(coach=desk.coach, kind=OfferKind.DOWNLOAD))


def edit(request: HttpRequest, desk: Desk, offer: Offer) -> HttpResponseBase:
    """Show the form of a download; a POST saves it, and publishes it where that was pressed."""
    form = DownloadForm(request.POST if request.method == "POST" else None, offer=offer)
    if request.method != "POST":
        return _show_form(request, desk, offer, form)
    saved = _save(desk, offer, form) if form.is_valid() else None
    if saved is None:
        return _show_form(request, desk, own_offer(desk, offer.pk) if offer.pk else offer, form)
    if "publish" in request.POST:
        return act(request, desk, saved.pk, services.publish_offer, "Saved and published.")
    messages.success(request, "The download is saved.")
    return redirect("studio_offer", saved.pk)


def _save(desk: Desk, offer: Offer, form: DownloadForm) -> Offer | None:
    """Save what was written; what the service refuses goes to the form's fields."""
    try:
        return services.save_download(
            coach=desk.coach, offer_id=offer.pk, terms=form.terms, actor=desk.actor, now=clock.now()
        )
    except (OfferIncompleteError, InvalidInputError) as error:
        blame(form, InvalidInputError(error.message, field=error.field))
    return None


def _show_form(request: HttpRequest, desk: Desk, offer: Offer, form: DownloadForm) -> HttpResponseBase:
    problems = problems_of(form) if form.is_bound else []
    files = [
        {"name": file.name, "bytes": file.size_bytes, "ref": file.ref}
        for file in (offer.files.all() if offer.pk else [])
    ]
    context = {
        "form": form,
        "problems": problems,
        "offer": offer,
        "is_new": offer.pk is None,
        "missing": services.missing_for_publishing(offer) if offer.status == OfferStatus.DRAFT and offer.pk else (),
        "is_approved": desk.coach.is_public,
        "preview_url": reverse("offer", args=[desk.coach.slug, offer.slug])
        if offer.status == OfferStatus.PUBLISHED and desk.coach.is_public
        else "",
        "files": files,
        "limit": limit_words(),
    }
    status = status_of(problems)
    return desk.draw(request, "studio/download.html", context, section=_SECTION, status=status)


@require_POST
@coach_only
def add_file(request: HttpRequest, desk: Desk, pk: int) -> HttpResponseBase:
    """Keep a file that was sent."""
    offer = own_offer(desk, pk)
    upload = request.FILES.get("file")
    if has_skipped_file(request):
        messages.error(request, f"This file is too big, and was not kept. Choose one of at most {limit_words()}.")
    elif upload is None:
        messages.error(request, "Choose a file first.")
    else:
        try:
            services.add_file(
                coach=desk.coach,
                offer_id=offer.pk,
                upload=upload,
                name=upload.name or "",
                actor=desk.actor,
                now=clock.now(),
            )
        except NotFoundError:
            raise
        except GreenroomError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The file is there. Who bought this finds it from now on.")
    return redirect("studio_offer", offer.pk)


@require_POST
@coach_only
def remove_file(request: HttpRequest, desk: Desk, pk: int, ref: str) -> HttpResponseBase:
    """Take a file away."""
    offer = own_offer(desk, pk)
    try:
        services.remove_file(coach=desk.coach, offer_id=offer.pk, ref=ref, actor=desk.actor, now=clock.now())
    except OfferIncompleteError as error:
        messages.error(request, f"It is the last thing that buyers get. {error.message}")
    else:
        messages.success(request, "The file is gone.")
    return redirect("studio_offer", offer.pk)
