"""Credentials stay where they are: what is printed or kept goes through here.

A URL may hold a password. Keys of object stores stand in the environment; the answer of a store may
repeat one, and so may the error of an engine or a library that asked it.
"""

from __future__ import annotations

import os
import re

PASSWORD_MASK = "***"
_PASSWORD = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s]*(?=@)"
    r"|(?P<name>[?&](?:ssl)?password=)[^\s&]*",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(AWS|AZURE|GOOGLE)_\w*(KEY|TOKEN|SECRET|SAS)\w*", re.IGNORECASE)
_LEAST = 6  # shorter values are found in any text


def masked(text: str) -> str:
    """A text that shows no password of the URLs in it, and no credential of the environment."""
    text = _PASSWORD.sub(lambda m: f"{m['before'] or m['name']}{PASSWORD_MASK}", text)
    found = {
        value
        for name, value in os.environ.items()
        if _NAMES.fullmatch(name) and len(value) >= _LEAST
    }
    for secret in sorted(found, key=len, reverse=True):
        text = text.replace(secret, PASSWORD_MASK)
    return text
