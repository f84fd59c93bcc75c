"""What accounts are called where they are published: pseudonyms, or their own ids.

A pseudonym is the HMAC-SHA-256 of an id under a secret key, cut to 128 bits. The same key gives the
same pseudonyms, so that an account can be followed through time. Without the key nobody can tell
which id one stands for, not even by trying all ids. So ids that are plain hashes of an account,
those of ledger entries and payouts, are given pseudonyms too.
"""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from solatium.errors import UsageError

KEY_BYTES = 32
_DIGITS = 32  # of a pseudonym: 128 bits in hexadecimal
_BLOCK = 64  # bytes of a block of SHA-256

OWN_IDS = "ids"


@dataclass(frozen=True)
class Names:
    """How ids are published: as pseudonyms under `key`, or as they are where it is None."""

    key: bytes | None

    @property
    def mark(self) -> str:
        """What a target keeps, to notice another key; nobody can tell the key from it."""
        if self.key is None:
            return OWN_IDS
        return hmac.new(self.key, b"solatium publication", sha256).hexdigest()[:_DIGITS]

    def of(self, id_: str) -> str:
        """What an id is published as."""
        if self.key is None:
            return id_
        return hmac.new(self.key, id_.encode(), sha256).hexdigest()[:_DIGITS]

    def macro(self) -> tuple[str, dict[str, bytes]]:
        """The same for DuckDB: the body of a macro of `id`, and the variables that it reads.

        The key is a value of the connection, and never a part of SQL text.
        """
        if self.key is None:
            return "id", {}
        key = self.key.ljust(_BLOCK, b"\0")  # of 32 bytes: no longer than a block
        pads = {
            "pseudonym_inner": bytes(byte ^ 0x36 for byte in key),
            "pseudonym_outer": bytes(byte ^ 0x5C for byte in key),
        }
        inner = "sha256(getvariable('pseudonym_inner') || encode(id))"
        return f"left(sha256(getvariable('pseudonym_outer') || unhex({inner})), {_DIGITS})", pads


def names_of(key_file: Path | None, *, with_accounts: bool) -> Names:
    """How ids are published, by the options of the command.

    A key file that does not exist is made, with a new key, for its owner alone. UsageError where
    the options do not go together, or where the file has no key or others may read it.
    """
    if with_accounts and key_file is not None:
        raise UsageError(
            f"--with-accounts publishes ids as they are, and --key-file {key_file} pseudonyms",
            ["give one of the two"],
        )
    if with_accounts:
        return Names(None)
    if key_file is None:
        raise UsageError(
            "accounts are published under pseudonyms, and these need a key",
            [
                "give --key-file FILE: the file is made if it does not exist; keep it",
                "or --with-accounts, which publishes ids as they are",
            ],
        )
    return Names(_key_of(key_file))


def _key_of(place: Path) -> bytes:
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(place)
    except FileNotFoundError:
        raise UsageError(f"--key-file {place}: there is no folder {place.parent}") from None
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _read(place: Path) -> bytes:
    if place.is_file() and place.stat().st_mode & 0o077:
        raise UsageError(
            f"--key-file {place}: others than its owner may read or write it",
            [f"chmod 600 {place}"],
        )
    try:
        key = bytes.fromhex(place.read_text(encoding="ascii"))
    except (ValueError, IsADirectoryError):
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(
            f"--key-file {place}: expected {2 * KEY_BYTES} hexadecimal digits, found no such key",
            ["name a file that does not exist, and it is made with a new key"],
        )
    return key
