"""A certificate authority of the server's own making, and its certificate for `localhost`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from oracle_emulator import clock

_VALIDITY = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are.

    `wallet` is a directory as clients want it: with the authority in `ewallet.pem`.
    """

    ca_file: Path
    certificate_file: Path
    key_file: Path
    wallet: Path


def ensure_certificates(directory: Path) -> Certificates:
    """Return the certificates in a directory, made anew when missing or about to expire."""
    directory.mkdir(parents=True, exist_ok=True)
    files = Certificates(
        directory / "ca.pem", directory / "server.pem", directory / "server.key", directory
    )
    if not _usable(files):
        _create(files)
    return files


def _usable(files: Certificates) -> bool:
    wanted = (files.ca_file, files.certificate_file, files.key_file, files.wallet / "ewallet.pem")
    if not all(path.exists() for path in wanted):
        return False
    certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
    return certificate.not_valid_after_utc > clock.now() + _RENEW_BEFORE


def _create(files: Certificates) -> None:
    ca_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    ca_name = _name("oracle-emulator CA")
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    server = (
        _builder(_name("localhost"), ca_name, server_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("localhost"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                    x509.IPAddress(ipaddress.ip_address("::1")),
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    files.key_file.touch(mode=0o600)
    files.key_file.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    authority = ca.public_bytes(serialization.Encoding.PEM)
    files.certificate_file.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    files.ca_file.write_bytes(authority)
    (files.wallet / "ewallet.pem").write_bytes(authority)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALIDITY)
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signing,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
