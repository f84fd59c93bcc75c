"""Where data lies, as machines beside the run are to know it: by a name without credentials.

The names follow OpenLineage's naming of datasets. A local folder is `file` and its absolute path; a
folder of a bucket is `s3://bucket` and its key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

# In a URI of these schemes the text before the @ is a container, and a part of the name.
_CONTAINERS = ("abfs", "abfss", "wasb", "wasbs")
# Stores of objects, whose keys begin with no slash.
_OBJECTS = ("s3", "gs", "az", *_CONTAINERS)
_OTHER_NAMES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}
_URI = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'\",;]*[^\s'\",;:.)]")


@dataclass(frozen=True)
class Place:
    """A folder: its `namespace`, and its `name` there."""

    namespace: str
    name: str

    @classmethod
    def of(cls, uri: str) -> Place:
        """The place of a path or a URI; a user, a password and a query are left out."""
        if "://" not in uri and not uri.startswith("file:"):
            return cls("file", str(Path(uri).expanduser().absolute()))
        parts = urlsplit(uri)
        scheme = _OTHER_NAMES.get(parts.scheme, parts.scheme)
        if scheme == "file":
            return cls("file", unquote(parts.path).rstrip("/") or "/")
        user, _, host = parts.netloc.rpartition("@")
        container = user.partition(":")[0]
        if scheme in _CONTAINERS and container:
            host = f"{container}@{host}"
        path = parts.path.strip("/")
        return cls(f"{scheme}://{host}", path if scheme in _OBJECTS else f"/{path}")

    def __truediv__(self, name: str) -> Place:
        return Place(self.namespace, f"{self.name.rstrip('/')}/{name}" if self.name else name)

    def __str__(self) -> str:
        if self.namespace == "file":
            return self.name
        return f"{self.namespace}/{self.name.lstrip('/')}".rstrip("/")


def without_credentials(text: str) -> str:
    """A message in which every URI is left without user, password and query."""
    return _URI.sub(lambda found: str(Place.of(found[0])), text)
