"""A storage's address without its secrets: what is written and shown of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

HIDDEN = "***"

# `scheme://user:secret@host`, or what somebody meant by it. The secret goes to the last @, so that
# one with an @ or a / in it is hidden whole; a port and a query with an @ in it are none.
_USER = re.compile(
    r"^([^:]*:?/{0,2}[^:/@?]*):(?:(?!//)(?P<plain>[^?]*)|(?!//|\d*[/?])(?P<odd>.*))@"
)
_SECRET = re.compile(
    r"(?i)([?&;][^=&;]*(?:pass|pwd|secret|token|key|credential|auth)[^=&;]*=)([^&;]*)"
)


def without_secrets(url: str) -> str:
    """The address with `***` for its password and for secrets of its query.

    The same address gives the same text, so a study is known by it.
    """
    if url.startswith("journal:"):
        return url  # a file, whatever its name
    return _SECRET.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1:{HIDDEN}@", url))


def has_secrets(url: str) -> bool:
    """Whether an address has what must not be written, or had it once."""
    return without_secrets(url) != url or HIDDEN in url


def redacted(text: str, url: str | None) -> str:
    """A text (of a driver's error, say) in which the address and its secrets are hidden."""
    if url is None or url.startswith("journal:"):
        return text
    text = text.replace(url, without_secrets(url))
    for secret in sorted(_secrets(url), key=len, reverse=True):
        # As a word: a password of one letter is no part of every other word.
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    return text


def _secrets(url: str) -> Iterator[str]:
    """The secrets as they stand in the address, and as a driver decodes them."""
    user = _USER.match(url)
    found = [match.group(2) for match in _SECRET.finditer(url)]
    found += [] if user is None else [user["plain"] or user["odd"] or ""]
    for secret in found:
        if secret and secret != HIDDEN:
            yield from {secret, unquote(secret), unquote_plus(secret)}
