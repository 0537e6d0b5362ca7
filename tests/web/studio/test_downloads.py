"""Downloads in the studio: the form, and the files."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.factories.bookings import make_coach, make_offer
from tests.factories.downloads import add_file, make_download

from greenroom.catalog import services
from greenroom.catalog.models import Download, Offer, OfferFile
from greenroom.coaches.models import Coach
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotFoundError
from greenroom.core.models import AuditEntry
from greenroom.jobs.models import Job

pytestmark = pytest.mark.django_db
NEW = "/studio/offers/new/download/"
WHOLE = {"title": "Endgames", "price": "19.50", "currency": "EUR", "text": "Read me", "link": "https://example.org/v"}


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def upload(desk: Client, offer: Offer, name: str = "book.pdf", content: bytes = b"%PDF") -> Any:
    path = f"/studio/offers/{offer.pk}/files/"
    return desk.post(path, {"file": SimpleUploadedFile(name, content)}, follow=True)


def stored() -> list[Path]:
    return list((Path(site.STORAGES["default"]["OPTIONS"]["location"]) / "offers").glob("*"))


@pytest.fixture
def download(coach: Coach) -> Offer:
    return make_download(coach)


def test_new_download_is_written_and_published_at_once(desk: Client) -> None:
    answer = desk.post(NEW, WHOLE | {"publish": "1"}, follow=True)

    offer = Offer.objects.get()
    content = Download.objects.get()
    assert (offer.kind, offer.status, offer.slug, offer.currency) == ("download", "published", "endgames", "EUR")
    assert (offer.price_minor, content.text, content.link) == (1950, "Read me", "https://example.org/v")
    assert "Saved and published." in said(answer)
    assert "/maya/endgames/" in said(answer)
    assert "Endgames" in said(Client().get("/maya/"))
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["offer.create", "offer.publish"]


def test_list_shows_what_it_costs(desk: Client, download: Offer) -> None:
    assert f"{download.title}" in said(desk.get("/studio/offers/"))
    assert "Download · €19" in said(desk.get("/studio/offers/"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "Give it a title."),
        ("title", "a\u202eb", "plain text"),
        ("price", "", "Write a price"),
        ("price", "1.999", "EUR has 2 decimals"),
        ("price", "0.10", "Cards can't be charged less"),
        ("price", "999999", "more than a card"),
        ("currency", "XXX", "Select a valid choice"),
        ("link", "javascript:alert(1)", "Write a whole address"),
        ("text", "x" * 4001, "at most 4000"),
    ],
)
def test_bad_input_is_named_and_nothing_is_lost(desk: Client, field: str, value: str, words: str) -> None:
    answer = desk.post(NEW, WHOLE | {field: value})

    assert answer.status_code == 422
    assert words in said(answer).replace("&#x27;", "'")
    assert ('value="19.50"' in said(answer)) is (field != "price")
    assert not Offer.objects.exists()


def test_draft_without_anything_to_give_can_not_be_published(desk: Client) -> None:
    answer = desk.post(NEW, WHOLE | {"text": "", "link": "", "publish": "1"}, follow=True)

    assert Offer.objects.get().status == "draft"
    assert "something that the buyer gets" in said(answer)


def test_published_download_can_not_be_emptied(desk: Client, download: Offer) -> None:
    answer = desk.post(f"/studio/offers/{download.pk}/", WHOLE | {"text": "", "link": ""})

    assert (answer.status_code, Download.objects.get().text) == (422, "Read this first.")
    file = add_file(download, now=clock.now())
    assert desk.post(f"/studio/offers/{download.pk}/", WHOLE | {"text": "", "link": ""}).status_code == 302
    kept = desk.post(f"/studio/offers/{download.pk}/files/{file.ref}/remove/", follow=True)
    assert "It is the last thing that buyers get." in said(kept)
    assert OfferFile.objects.count() == 1
    assert not Job.objects.exists()


def test_saving_again_changes_nothing(desk: Client, download: Offer) -> None:
    desk.post(f"/studio/offers/{download.pk}/", WHOLE)
    desk.post(f"/studio/offers/{download.pk}/", WHOLE)

    assert [entry.action for entry in AuditEntry.objects.all()] == ["offer.edit"]


def test_file_is_kept_under_a_random_name_and_shown_under_its_own(desk: Client, download: Offer) -> None:
    page = upload(desk, download, "../../etc/pass wd.html", b"<script>")

    row = OfferFile.objects.get()
    assert (row.name, row.size_bytes) == ("pass wd.html", 8)
    assert row.content.name.startswith("offers/")
    assert "pass" not in row.content.name
    assert len(row.content.name) == len("offers/") + 22
    assert "pass wd.html" in said(page)
    path = Path(row.content.path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_removed_file_is_deleted_by_a_job(desk: Client, download: Offer) -> None:
    row = add_file(download, now=clock.now())
    path = Path(row.content.path)

    desk.post(f"/studio/offers/{download.pk}/files/{row.ref}/remove/")
    desk.post(f"/studio/offers/{download.pk}/files/{row.ref}/remove/")

    assert not OfferFile.objects.exists()
    [job] = Job.objects.all()
    services.delete_stored(path=job.payload["path"])
    services.delete_stored(path=job.payload["path"])
    assert not path.exists()


def test_file_that_is_too_big_is_refused_with_the_limit_and_not_kept(
    desk: Client, download: Offer, settings: Any
) -> None:
    settings.FILE_LIMIT_BYTES = 2_000_000
    before = stored()

    answer = upload(desk, download, content=b"x" * 2_000_001)

    assert "Choose one of at most 2 MB." in said(answer)
    assert not OfferFile.objects.exists()
    assert stored() == before
    upload(desk, download, content=b"x" * 2_000_000)
    assert OfferFile.objects.get().size_bytes == 2_000_000


@pytest.mark.parametrize(("content", "words"), [(b"", "This file is empty."), (None, "Choose a file first.")])
def test_nothing_is_no_file(desk: Client, download: Offer, content: bytes | None, words: str) -> None:
    if content is None:
        answer = desk.post(f"/studio/offers/{download.pk}/files/", follow=True)
    else:
        answer = upload(desk, download, content=content)

    assert words in said(answer)
    assert not OfferFile.objects.exists()


def test_there_are_at_most_twenty_files_and_the_refused_one_leaves_nothing(desk: Client, download: Offer) -> None:
    for _ in range(20):
        add_file(download, now=clock.now())
    before = sorted(stored())

    answer = upload(desk, download)

    assert "Use at most 20 files" in said(answer)
    assert sorted(stored()) == before


def test_calls_have_no_files_and_no_download_form(desk: Client, coach: Coach) -> None:
    call = make_offer(coach)

    assert upload(desk, call).status_code == 404
    with pytest.raises(NotFoundError):
        services.save_download(
            coach=coach,
            terms=services.DownloadTerms("x"),
            actor=Actor(ActorKind.COACH),
            now=clock.now(),
            offer_id=call.pk,
        )


def test_files_of_another_coachs_download_are_not_found(desk: Client) -> None:
    other = make_download(make_coach("noah"))
    row = add_file(other, now=clock.now())

    assert upload(desk, other).status_code == 404
    assert desk.post(f"/studio/offers/{other.pk}/files/{row.ref}/remove/").status_code == 404
    assert OfferFile.objects.count() == 1
