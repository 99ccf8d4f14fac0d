"""A certificate for this machine, signed by an authority that nobody else knows."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


def write_certificate(folder: Path, address: str = "127.0.0.1") -> tuple[Path, Path]:
    """Return the files of the authority, and of the server's key and certificate for *address*."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An authority")])
    signed_itself = _builder(authority, authority, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Campfire")])
    certificate = _builder(authority, name, key).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
    )
    trusted, server = folder / "authority.pem", folder / "server.pem"
    root = signed_itself.sign(authority_key, hashes.SHA256())
    trusted.write_bytes(root.public_bytes(Encoding.PEM))
    leaf = certificate.sign(authority_key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server.write_bytes(secret + leaf.public_bytes(Encoding.PEM))
    return trusted, server


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
