"""A certificate authority and a server certificate for sites that have none (HARBORWEB_TLS=auto).

    <data>/tls/ca.crt  ca.key            made once, valid ten years; clients install ca.crt
    <data>/tls/server.crt  server.key    made by that CA, 825 days; made again when needed

Keys are PKCS#8 and readable by their owner only. Every file appears whole or not at all; a crash between two files
is noticed at the next start, because a key that does not fit its certificate counts as none.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3652)
SERVER_LIFETIME = timedelta(days=825)  # Apple's clients refuse a longer one, even from a private CA
RENEW_BEFORE = timedelta(days=30)
ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")


class TlsError(Exception):
    """The certificates or keys need a person; the message says what to do."""


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def lives_beyond(self, moment: datetime) -> bool:
        """Whether the certificate is still valid at `moment`."""
        return self.certificate.not_valid_after_utc > moment


def ensure(directory: Path, hostname: str, *, now: datetime | None = None) -> None:
    """Makes whatever is missing, near its end, or for another hostname; otherwise changes nothing."""
    now = now or datetime.now(UTC)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _load(directory, "ca")
    if authority is None or not authority.lives_beyond(now + RENEW_BEFORE):
        if authority is None and (directory / "ca.crt").exists():
            # Clients trust this CA. To replace it silently would break all of them.
            raise TlsError(
                f"{directory}/ca.key does not fit ca.crt. Restore it, or delete both to start anew."
            )
        authority = _make_authority(hostname, now)
        _store(directory, "ca", authority)
    server = _load(directory, "server")
    if server is None or not _serves(server, authority, hostname, now):
        _store(directory, "server", _make_server(authority, hostname, now))


def check_own(certificate: Path, key: Path) -> None:
    """Raises TlsError, which names the variable, unless the server can use the operator's own two files."""
    _readable("HARBORWEB_TLS_CERT", certificate)
    if b"-----BEGIN PRIVATE KEY-----" not in _readable("HARBORWEB_TLS_KEY", key):
        raise TlsError(
            f"HARBORWEB_TLS_KEY is '{key}'; it must be an unencrypted PKCS#8 key (BEGIN PRIVATE KEY). "
            f"Convert it:  openssl pkcs8 -topk8 -nodes -in {key} -out new.key"
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise TlsError(
            f"HARBORWEB_TLS_CERT is '{certificate}'; it must be the PEM certificate of HARBORWEB_TLS_KEY, '{key}'"
        ) from error


def _readable(variable: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(
            f"{variable} is '{path}'; it must be a file that can be read ({error.strerror})"
        ) from error


def _serves(server: Identity, authority: Identity, hostname: str, now: datetime) -> bool:
    if not server.lives_beyond(now + RENEW_BEFORE):
        return False
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
        names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return list(names) == _names(hostname)


def _names(hostname: str) -> list[x509.GeneralName]:
    return [_name(name) for name in dict.fromkeys((hostname, *ALWAYS_NAMED))]


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _make_authority(hostname: str, now: datetime) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    # The date tells two CAs of one host apart in a browser's list.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"harborweb {now:%Y-%m-%d} {hostname}"[:64])])
    builder = (
        _builder(name, name, key, now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
    )
    return Identity(builder.sign(key, hashes.SHA256()), key)


def _make_server(authority: Identity, hostname: str, now: datetime) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    # Never longer than its CA: a certificate that outlives it is refused from then on anyway.
    lifetime = min(SERVER_LIFETIME, authority.certificate.not_valid_after_utc - now)
    issuer = authority.certificate.subject
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(name, issuer, key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(hostname)), critical=False)
        .add_extension(authority_key, critical=False)
    )
    return Identity(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a client's clock may be a little behind
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _load(directory: Path, stem: str) -> Identity | None:
    """The identity in the two files, or None if one is missing, broken, or does not fit the other."""
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{stem}.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{stem}.key").read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return Identity(certificate, key)


def _store(directory: Path, stem: str, identity: Identity) -> None:
    pem = identity.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(directory / f"{stem}.key", pem, mode=0o600)
    _write(
        directory / f"{stem}.crt", identity.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Puts `content` at `path` in one step; no other user sees a key even for a moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
