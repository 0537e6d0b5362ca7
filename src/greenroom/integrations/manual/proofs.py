"""What a payer may send as a proof. The kind is read from the content: a name proves nothing."""

from dataclasses import dataclass

from greenroom.core.errors import InvalidInputError

MOST_BYTES = 5_000_000
MOST_PROOFS = 5
TYPES = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
_BEGINNINGS = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}
_WEBP = slice(8, 12)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A file that was looked at: its kind (a key of `TYPES`), and its content."""

    kind: str
    content: bytes


def read_proof(content: bytes) -> ProofFile:
    """Look at a file. Raises: InvalidInputError naming `proof` when it is empty, too large, or no picture or PDF."""
    if not content:
        raise InvalidInputError("This file is empty. Choose another one.", field="proof")
    if len(content) > MOST_BYTES:
        raise InvalidInputError(
            f"This file is larger than {MOST_BYTES // 1_000_000} MB. Choose a smaller one.", field="proof"
        )
    kind = next((kind for kind, begins in _BEGINNINGS.items() if content.startswith(begins)), "")
    if content.startswith(b"RIFF") and content[_WEBP] == b"WEBP":
        kind = "webp"
    if not kind:
        raise InvalidInputError("Send a picture (JPEG, PNG, WebP) or a PDF.", field="proof")
    return ProofFile(kind, content)
