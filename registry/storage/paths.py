"""Keys, and the tree that they make on a disk.

    <HARBORWEB_DATA>/storage/
        3f/                                         first two hex digits of the uuid
            a1/                                     the next two
                3fa1c0d2e4b54c0f8a7b9c6d5e4f3a2b    the bytes of one upload or blob: no suffix, no metadata

A key is `3f/a1/3fa1c0d2...`: it says nothing of what it holds, and a finished blob stays under the key that its upload
was given (docs/adr/0003, rule R1). What holds what is known to the tables Upload, Blob and StorageGarbage alone.
"""

import re
import uuid

_KEY = re.compile(r"([0-9a-f]{2})/([0-9a-f]{2})/\1\2[0-9a-f]{28}")


def new_key() -> str:
    """A key that was never used before."""
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name[2:4]}/{name}"


def is_key(text: str) -> bool:
    """True if `text` looks like a key of ours; fsck leaves strange files alone."""
    return _KEY.fullmatch(text) is not None
