"""Rebuilds the icon sprite: `python -m projects.web.icons PATH/TO/lucide-static` after a template uses a new icon.

The sprite holds only what the templates use. It also writes the sprite's checksum into static/vendor/vendor.toml.
"""

import hashlib
import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
SPRITE: Final = ROOT / "static/vendor/lucide/icons.svg"
MANIFEST: Final = ROOT / "static/vendor/vendor.toml"

# {% icon "box" %}, icon="box" in an include or a NavItem, and the icons that templates choose by a variable.
_IN_TEMPLATE: Final = re.compile(r"""{%-?\s*icon\s+"([a-z0-9-]+)"|\bicon="([a-z0-9-]+)\"""")
_SHAPE: Final = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def used() -> set[str]:
    """The names of all icons that templates and code ask for."""
    files = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("projects/**/*.py")]
    files = [file for file in files if "tests" not in file.parts and file.name != "icons.py"]
    found = (_IN_TEMPLATE.findall(file.read_text()) for file in files)
    return {name for pairs in found for pair in pairs for name in pair if name}


def in_sprite() -> set[str]:
    """The names of all icons that the sprite holds."""
    return set(re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE.read_text()))


def build(lucide: Path) -> None:
    """Writes the sprite out of an unpacked lucide-static package."""
    symbols = []
    for name in sorted(used()):
        shape = _SHAPE.search((lucide / "icons" / f"{name}.svg").read_text())
        if shape is None:
            raise SystemExit(f"{name}.svg is not an icon of lucide-static")
        body = re.sub(r"\s*\n\s*", "", shape[1]).replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>\n')
    SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n')
    checksum = hashlib.sha256(SPRITE.read_bytes()).hexdigest()
    manifest = re.sub(r'("lucide/icons.svg" = )"[0-9a-f]*"', rf'\1"{checksum}"', MANIFEST.read_text())
    MANIFEST.write_text(manifest)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
