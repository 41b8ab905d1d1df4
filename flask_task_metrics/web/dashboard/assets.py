"""The files of the page: scripts, styles and the icon, and one hash of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"

MIMETYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Files of other types, such as the page or a licence, are not served."""


@dataclass(frozen=True)
class Assets:
    """The assets by their names, and the hash of them all."""

    contents: Mapping[str, bytes]
    hash: str

    @classmethod
    def read(cls) -> Assets:
        """Read the assets that come with the package."""
        paths = sorted(path for path in STATIC.iterdir() if path.suffix in MIMETYPES)
        contents = {path.name: path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, content in contents.items():
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return cls(contents, digest.hexdigest()[:16])


def mimetype_of(name: str) -> str:
    """Return the type of an asset: `text/javascript`."""
    return MIMETYPES[Path(name).suffix]
