"""Reading pages as people do."""

import html
import re
from typing import Any


def text(response: Any) -> str:
    """What a reader sees: without tags, white space as single spaces."""
    body = re.sub(r"<(head|template)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())
