"""Where a person may be sent: addresses of this site alone."""

from django.utils.http import url_has_allowed_host_and_scheme

LONGEST_PATH = 500


def internal_path(path: str | None, *, default: str = "/") -> str:
    """Return `path` when it is an address of this site, else `default`: a link must not lead people elsewhere."""
    if not path or not path.startswith("/") or len(path) > LONGEST_PATH:
        return default
    return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else default
