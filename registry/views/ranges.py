"""Byte ranges and entity tags of a request (RFC 9110, sections 13 and 14)."""

import re
import secrets
from dataclasses import dataclass

MAX_RANGES = 1024  # in one request; zstd:chunked pulls ask for hundreds
_SPEC = re.compile(r"(\d*)-(\d*)")
_BEYOND = 10**18  # bytes: no blob is as large


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes start..end-1."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    def content_range(self, total: int) -> str:
        """The value of Content-Range for this part of `total` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{total}"


def parse(header: str | None, total: int) -> list[ByteRange] | None:
    """The satisfiable ranges that Range asks for; [] if none is, None if the whole is to be sent.

    What is not a range of bytes is ignored, as RFC 9110 wants, and so is a request for more bytes than there are. The
    OCI conformance suite wants "500-0" to be unsatisfiable.
    """
    if header is None or not header.lower().startswith("bytes="):
        return None
    specs = [spec.strip() for spec in header[len("bytes=") :].split(",") if spec.strip()]
    matches = [_SPEC.fullmatch(spec) for spec in specs]
    if not 1 <= len(specs) <= MAX_RANGES or not all(match and match[0] != "-" for match in matches):
        return None
    found = [part for match in matches if match and (part := _resolve(match[1], match[2], total))]
    return None if len(found) > 1 and sum(part.size for part in found) > total else found


def _resolve(first: str, last: str, total: int) -> ByteRange | None:
    """One "first-last", "first-" or "-suffix length"; None if it names no byte."""
    if not first:
        start, end = max(total - _number(last), 0), total
    else:
        start, end = _number(first), min(_number(last) + 1, total) if last else total
    return ByteRange(start, end) if start < end else None


def _number(digits: str) -> int:
    """The value of any number of digits, as far as it can matter."""
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) < len(str(_BEYOND)) else _BEYOND


def etag_matches(header: str | None, digest: str) -> bool:
    """True if If-None-Match names the entity tag of `digest` (weak comparison), or any."""
    if header is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or f'"{digest}"' in tags


def new_boundary() -> str:
    """A boundary that no content holds but by a chance of 2^-128."""
    return secrets.token_hex(16)


def part_head(boundary: str, part: ByteRange, total: int, content_type: str) -> bytes:
    """What stands before a part of a multipart/byteranges body."""
    lines = [
        f"\r\n--{boundary}",
        f"Content-Type: {content_type}",
        f"Content-Range: {part.content_range(total)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
