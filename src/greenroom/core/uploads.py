"""How big a file may be that somebody sends; what is bigger is not kept, whoever sends it and to whatever page."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

_MARK = "greenroom.has_skipped_file"


class LimitedUpload(FileUploadHandler):
    """Stops keeping a file at the site's limit. The first of the upload handlers; keeps nothing itself."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass a piece on. Raises: SkipFile when the file becomes too big, which leaves it out of the request."""
        if start + len(raw_data) > settings.FILE_LIMIT_BYTES:
            if self.request is not None:
                self.request.META[_MARK] = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the whole file to the handlers after this one."""


def has_skipped_file(request: HttpRequest) -> bool:
    """Tell whether a file of this request was left out because it was too big. Reads the form first."""
    _read = request.FILES
    return _MARK in request.META


def limit_words() -> str:
    """Write the limit: "200 MB"."""
    return f"{settings.FILE_LIMIT_BYTES // 1_000_000} MB"
