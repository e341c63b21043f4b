import hashlib
import tomllib

from projects.web import icons

VENDOR = icons.ROOT / "static/vendor"
PACKAGES = tomllib.loads((VENDOR / "vendor.toml").read_text())


def test_every_vendored_file_is_what_its_manifest_says():
    listed = {name: checksum for package in PACKAGES.values() for name, checksum in package["sha256"].items()}
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name not in ("LICENSE", "vendor.toml")
    }
    assert found == listed


def test_every_package_has_a_version_and_its_licence():
    for package in PACKAGES.values():
        assert package["version"]
        assert package["license"]
        assert (VENDOR / package["license-file"]).stat().st_size > 100


def test_the_sprite_holds_the_icons_that_are_used_and_no_others():
    assert icons.in_sprite() == icons.used()
