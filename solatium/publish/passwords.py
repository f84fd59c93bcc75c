"""Passwords in the URL of a target, which are neither printed nor written."""

from __future__ import annotations

import re
from urllib.parse import unquote

from solatium.secrets import PASSWORD_MASK, masked

# Wider than what is masked in any text: of a URL by itself it is known where it ends.
_BEFORE_THE_HOST = re.compile(r"[^:/]+://[^:/@]*:(.*)@", re.DOTALL)
_IN_THE_QUERY = re.compile(r"[?&](?:ssl)?password=([^&]*)", re.IGNORECASE)


def shown(url: str) -> str:
    """The URL as people see it."""
    return without_passwords(url, url)


def without_passwords(text: str, url: str) -> str:
    """A text, such as an error of a library, without the passwords of a URL, in either form."""
    found = [*_BEFORE_THE_HOST.findall(url), *_IN_THE_QUERY.findall(url)]
    forms = {form for secret in found for form in (secret, unquote(secret)) if form}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, PASSWORD_MASK)
    return masked(text)
