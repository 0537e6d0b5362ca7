"""Writing a download down: what it costs, what its buyers read, and the files they get."""

from datetime import datetime
from pathlib import PurePath

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from greenroom.catalog.errors import OfferIncompleteError
from greenroom.catalog.models import Download, Offer, OfferFile
from greenroom.catalog.services.access import own_offer, require
from greenroom.catalog.services.offers import new_offer, save_checked
from greenroom.catalog.services.publishing import missing_for_publishing
from greenroom.catalog.services.terms import DownloadTerms, check_download
from greenroom.catalog.types import DiscordRequirement, OfferKind, OfferStatus
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import lock_coach
from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.audit import AuditValue
from greenroom.core.errors import InvalidInputError
from greenroom.core.text import PLAIN_TEXT
from greenroom.core.transactions import unit_of_work
from greenroom.core.uploads import limit_words
from greenroom.jobs import services as jobs

MOST_FILES = 20
DELETE = "catalog.delete_file"
_LONGEST_NAME = 120
_PLAIN = ("title", "summary", "description", "currency")


def save_download(
    *, coach: Coach, terms: DownloadTerms, actor: Actor, now: datetime, offer_id: int | None = None
) -> Offer:
    """Write a download as its coach wants it; None makes a new draft. Returns the offer.

    A published one may not become empty. Orders keep the title and the price they had; buyers always get the text, link
    and files of now. Locks the coach. A second call with an id changes nothing.
    Raises: InvalidInputError naming the field, OfferIncompleteError, NotFoundError, BusyError.
    """
    require(actor)
    check_download(terms)
    with unit_of_work():
        lock_coach(coach.pk)
        kind = OfferKind.DOWNLOAD
        is_new = offer_id is None
        offer = new_offer(coach, terms.title, kind) if offer_id is None else own_offer(coach, offer_id, kind=kind)
        content = Download(offer=offer) if is_new else Download.objects.get(offer=offer)
        before = {} if is_new else _words(offer, content)
        _fill(offer, content, terms)
        _refuse_if_incomplete(offer)
        after = _words(offer, content)
        if before != after:
            action = "offer.create" if is_new else "offer.edit"
            audit.record(actor=actor, action=action, target=offer, now=now, before=before, after=after)
    return offer


def add_file(
    *, coach: Coach, offer_id: int, upload: "File[bytes]", name: str, actor: Actor, now: datetime
) -> OfferFile:
    """Keep a file for the buyers of a download. Where it is kept is random; `name` is what buyers see.

    The file is stored before the transaction, and deleted again when the row can't be written. Locks the coach.
    Raises: InvalidInputError naming `file`, NotFoundError, BusyError.
    """
    require(actor)
    offer = own_offer(coach, offer_id, kind=OfferKind.DOWNLOAD)
    if not upload.size:
        raise InvalidInputError("This file is empty.", field="file")
    if upload.size > settings.FILE_LIMIT_BYTES:
        raise InvalidInputError(f"Choose a file of at most {limit_words()}.", field="file")
    row = OfferFile(offer=offer, name=clean_name(name), size_bytes=upload.size, added_at=now)
    row.content.save("", upload, save=False)
    try:
        _keep(row, coach, actor, now)
    except BaseException:
        delete_stored(path=str(row.content.name))
        raise
    return row


def _keep(row: OfferFile, coach: Coach, actor: Actor, now: datetime) -> None:
    with unit_of_work():
        lock_coach(coach.pk)
        if row.offer.files.count() >= MOST_FILES:
            raise InvalidInputError(f"Use at most {MOST_FILES} files; a ZIP file holds many.", field="file")
        row.save()
        audit.record(actor=actor, action="offer.add_file", target=row.offer, now=now, after={"name": row.name})


def remove_file(*, coach: Coach, offer_id: int, ref: str, actor: Actor, now: datetime) -> None:
    """Take a file away from a download, for its buyers too, and plan that it is deleted. Locks the coach.

    A second call changes nothing. Raises: OfferIncompleteError when a published download would be left empty,
    NotFoundError, BusyError.
    """
    require(actor)
    with unit_of_work():
        lock_coach(coach.pk)
        offer = own_offer(coach, offer_id, kind=OfferKind.DOWNLOAD)
        row = offer.files.filter(ref=ref).first()
        if row is None:
            return
        path, name = str(row.content.name), row.name
        row.delete()
        _refuse_if_incomplete(offer)
        jobs.plan(kind=DELETE, key=f"{DELETE}:{path}", due_at=now, now=now, payload={"path": path})
        audit.record(actor=actor, action="offer.remove_file", target=offer, now=now, before={"name": name})


def delete_stored(*, path: str) -> None:
    """Delete a stored file; a second call does nothing."""
    default_storage.delete(path)


def clean_name(name: str) -> str:
    """Return what buyers see of a file's name: its last part, at most so long, with its ending.

    Raises: InvalidInputError naming `file` when it holds control characters.
    """
    last = PurePath(name.replace("\\", "/")).name.strip() or "file"
    if not PLAIN_TEXT.fullmatch(last) or "\n" in last or "\t" in last:
        raise InvalidInputError("Give the file a name without control characters.", field="file")
    ending = PurePath(last).suffix[: _LONGEST_NAME // 2]
    return last if len(last) <= _LONGEST_NAME else last[: _LONGEST_NAME - len(ending)] + ending


def _fill(offer: Offer, content: Download, terms: DownloadTerms) -> None:
    for field in _PLAIN:
        setattr(offer, field, getattr(terms, field))
    offer.price_minor, offer.discord_requirement = terms.price_minor, DiscordRequirement.NOT_REQUIRED
    save_checked(offer)
    content.offer, content.text, content.link = offer, terms.text, terms.link
    save_checked(content)


def _refuse_if_incomplete(offer: Offer) -> None:
    missing = missing_for_publishing(offer) if offer.status == OfferStatus.PUBLISHED else ()
    if missing:
        raise OfferIncompleteError(missing)


def _words(offer: Offer, content: Download) -> dict[str, AuditValue]:
    """Return all of a download as the audit log keeps it."""
    values: dict[str, AuditValue] = {field: getattr(offer, field) for field in (*_PLAIN, "slug")}
    return values | {"price_minor": offer.price_minor, "text": content.text, "link": content.link}
