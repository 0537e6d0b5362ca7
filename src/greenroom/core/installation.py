"""By which name others keep our objects apart from those of other installations."""

from greenroom.core.ids import new_ref
from greenroom.core.models import Installation


def installation_ref() -> str:
    """Return the name of this installation; the first call makes it up, and it never changes. One query after that.

    It belongs to the database: to a vendor a copy is the same installation, so a trial copy needs keys of its own.
    """
    return Installation.objects.get_or_create(pk=1, defaults={"ref": new_ref()})[0].ref
