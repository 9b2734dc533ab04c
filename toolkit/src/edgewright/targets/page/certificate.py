"""TLS for one run: a key and a certificate of its own, never stored, gone with the process.

Nobody vouches for it: the browser warns, and whoever opens the page compares the fingerprint.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

LIFE = timedelta(days=7)
SLACK = timedelta(days=1)  # a device's clock may be behind


@dataclass(frozen=True, slots=True)
class Certificate:
    """``fingerprint``: SHA-256 of the certificate, in pairs as browsers show it."""

    context: ssl.SSLContext
    fingerprint: str


def make_certificate(address: str) -> Certificate:
    """For ``address`` (a number): P-256, self-signed, TLS 1.2 and newer."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Edgewright, this run only")])
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + LIFE)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    digest = certificate.fingerprint(hashes.SHA256())
    return Certificate(
        _context(certificate.public_bytes(pem) + private),
        digest.hex(":").upper(),
    )


def _context(pem: bytes) -> ssl.SSLContext:
    """OpenSSL reads keys from files only: one that nobody else may read, and not for long."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    handle, name = tempfile.mkstemp()  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()
    return context
