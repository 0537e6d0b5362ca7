"""What may be written into a field: text that a database, a mail and a calendar can carry."""

import re

# Left out: control characters but line breaks and tabs; the two characters that turn around the direction of what
# follows (a name could read as another one, https://www.unicode.org/reports/tr36/); halves of surrogate pairs.
PLAIN_TEXT = re.compile(r"\A[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202d\u202e\ud800-\udfff]*\Z")
