"""Credentials of object stores stay in the environment: what is printed or kept goes through here.

A store's answer may repeat a key, and so may the error of an engine or a library that asked it.
"""

from __future__ import annotations

import os
import re

_NAMES = re.compile(r"(AWS|AZURE|GOOGLE)_\w*(KEY|TOKEN|SECRET|SAS)\w*", re.IGNORECASE)
_LEAST = 6  # shorter values are found in any text


def without_secrets(text: str) -> str:
    """A text with `...` in the place of every credential that the environment has."""
    secrets = {
        value
        for name, value in os.environ.items()
        if _NAMES.fullmatch(name) and len(value) >= _LEAST
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "...")
    return text
