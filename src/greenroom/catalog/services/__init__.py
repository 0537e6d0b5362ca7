"""The verbs that change what a coach sells. Booked sessions and frozen orders never change with an offer."""

from greenroom.catalog.services.downloads import add_file, delete_stored, remove_file, save_download
from greenroom.catalog.services.offers import save_offer
from greenroom.catalog.services.publishing import (
    archive_offer,
    missing_for_publishing,
    publish_offer,
    restore_offer,
    unpublish_offer,
)
from greenroom.catalog.services.rates import RateTerms, save_rates
from greenroom.catalog.services.terms import DownloadTerms, DurationTerms, OfferTerms, QuestionTerms, TierTerms

__all__ = [
    "DownloadTerms",
    "DurationTerms",
    "OfferTerms",
    "QuestionTerms",
    "RateTerms",
    "TierTerms",
    "add_file",
    "archive_offer",
    "delete_stored",
    "missing_for_publishing",
    "publish_offer",
    "remove_file",
    "restore_offer",
    "save_download",
    "save_offer",
    "save_rates",
    "unpublish_offer",
]
