import ssl

from cryptography import x509

from oracle_emulator import certificates
from oracle_emulator.certificates import ensure_certificates


def test_certificates_are_kept_and_the_key_is_private(tmp_path):
    first = ensure_certificates(tmp_path)
    content = first.ca_file.read_bytes()
    assert ensure_certificates(tmp_path).ca_file.read_bytes() == content
    assert (tmp_path / "ewallet.pem").read_bytes() == content
    assert first.key_file.stat().st_mode & 0o077 == 0


def test_certificates_that_are_about_to_expire_are_made_anew(tmp_path, monkeypatch):
    content = ensure_certificates(tmp_path).ca_file.read_bytes()
    monkeypatch.setattr(certificates, "_RENEW_BEFORE", certificates._VALIDITY)
    assert ensure_certificates(tmp_path).ca_file.read_bytes() != content


def test_a_missing_file_is_made_again(tmp_path):
    (ensure_certificates(tmp_path).wallet / "ewallet.pem").unlink()
    assert (ensure_certificates(tmp_path).wallet / "ewallet.pem").exists()


def test_the_server_is_localhost_and_signed_by_the_authority(tmp_path):
    files = ensure_certificates(tmp_path)
    certificate = x509.load_pem_x509_certificate(files.certificate_file.read_bytes())
    authority = x509.load_pem_x509_certificate(files.ca_file.read_bytes())
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    ssl.create_default_context(cafile=str(files.ca_file))
