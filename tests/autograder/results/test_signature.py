"""A signed result: one byte more, less or other, in the result or its signature, and it is not what was signed."""

import random
import shutil
import subprocess

import pytest

from autograder.errors import UsageError
from autograder.results.store import signature_path, write_result
from autograder.results.types import CheckResult, Outcome, SubmissionResult

signature = pytest.importorskip("autograder.results.signature", reason="cryptography is not installed")
ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")


def make_key(folder, name="key", password=None):
    """A private key and its public one, in files."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    hidden = serialization.BestAvailableEncryption(password) if password else plain
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, hidden))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def signed(tmp_path):
    """A result with its signature, and both keys."""
    private, public = make_key(tmp_path)
    check = CheckResult("doubling::test_double", "doubling", "double", "Twice.", 2.0, outcome=Outcome.PASSED)
    result = tmp_path / "ālice.json"
    result.write_text(SubmissionResult("ālice", (check,), seed="abc").to_json(), encoding="utf-8")
    signature.Signer(private).sign(result)
    return result, private, public


def test_what_was_signed_is_known_by_either_key(signed):
    result, private, public = signed
    assert signature.verify(result, public) and signature.verify(result, private)
    assert len(signature_path(result).read_bytes()) == 64


def test_the_same_result_written_again_keeps_its_signature(signed):
    result, _, public = signed
    write_result(result, SubmissionResult.from_json(result.read_text(encoding="utf-8")))
    assert signature.verify(result, public)


@pytest.mark.slow
@pytest.mark.parametrize("of", ["result", "signature"])
def test_each_of_a_thousand_changed_bytes_shows(of, signed):
    result, _, public = signed
    path = result if of == "result" else signature_path(result)
    data, draw = path.read_bytes(), random.Random(7)
    genuine = []
    for number in range(1000):
        place = number % len(data)  # each byte, and then again with another change
        path.write_bytes(data[:place] + bytes([data[place] ^ draw.randrange(1, 256)]) + data[place + 1 :])
        genuine.append(signature.verify(result, public))
    assert genuine == [False] * 1000
    path.write_bytes(data)
    assert signature.verify(result, public)


def test_bytes_that_are_added_or_missing_show(signed):
    result, _, public = signed
    data = result.read_bytes()
    for other in (b"", data[1:], data[:-1], data + b"\n", data + b"\0", b" " + data, data.replace(b"\n", b"\r\n")):
        result.write_bytes(other)
        assert not signature.verify(result, public)


def test_the_signature_of_another_result_or_key_shows(signed, tmp_path):
    result, _, public = signed
    assert not signature.verify(result, make_key(tmp_path, "other")[1])
    other = tmp_path / "bob.json"
    other.write_text("{}")
    shutil.copy(signature_path(result), signature_path(other))
    assert not signature.verify(other, public)


def test_openssl_verifies_it_too(signed):
    result, _, public = signed
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", result, "-sigfile"]
    run = subprocess.run([*map(str, command), signature_path(result)], capture_output=True, text=True)
    assert run.returncode == 0 and "Verified Successfully" in run.stdout, run.stderr


def test_what_is_missing_or_no_key_is_a_sentence(signed, tmp_path):
    result, private, public = signed
    (tmp_path / "no.pem").write_text("no key")
    secret, _ = make_key(tmp_path, "secret", b"of the instructor")
    for key, words in (
        (tmp_path / "none.pem", "none.pem cannot be read"),
        (tmp_path / "no.pem", "holds no private key of Ed25519"),
        (secret, "holds no private key of Ed25519"),
        (public, "holds no private key of Ed25519"),
    ):
        with pytest.raises(UsageError, match=words):
            signature.Signer(key)
    with pytest.raises(UsageError, match="holds no key of Ed25519"):
        signature.verify(result, tmp_path / "no.pem")
    signature_path(result).unlink()
    with pytest.raises(UsageError, match=r"\.json\.sig cannot be read .*`autograder grade --sign KEY` signs a result"):
        signature.verify(result, private)
