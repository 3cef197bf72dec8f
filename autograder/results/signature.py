"""Sign results, and say later if one byte of one has been changed.

A signature is one of Ed25519 over the bytes of the file: 64 bytes in a file beside it, which other programs can verify too:

    openssl pkeyutl -verify -rawin -pubin -inkey KEY.pub -in alice.json -sigfile alice.json.sig
"""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from autograder.errors import UsageError
from autograder.results.store import signature_path, write_atomically

_KEY_BYTES = 2**16


class Signer:
    """Signer of results.

    Args:
        key: file of a private key of Ed25519, in PEM and without a password.

    Raises:
        UsageError: it cannot be read, or holds no such key.
    """

    def __init__(self, key: Path) -> None:
        advice = "openssl genpkey -algorithm ed25519 -out KEY makes one"
        found = _key(key, advice)
        if not isinstance(found, Ed25519PrivateKey):
            raise UsageError(f"{key} holds no private key of Ed25519; {advice}")
        self._key = found

    def sign(self, result: Path) -> None:
        """Sign the file of a result; the signature lies beside it.

        Raises:
            GraderError: it cannot be written.
        """
        write_atomically(signature_path(result), self._key.sign(result.read_bytes()))


def verify(result: Path, key: Path) -> bool:
    """Return True if the file of a result is, to the byte, what the holder of a key has signed.

    Args:
        result: the file, with its signature beside it.
        key: file of the public key, or of the private one.

    Raises:
        UsageError: one of the files cannot be read, or the key is none of Ed25519.
    """
    advice = "give the public key of who signs, or the private one"
    found = _key(key, advice)
    public = found.public_key() if isinstance(found, Ed25519PrivateKey) else found
    if not isinstance(public, Ed25519PublicKey):
        raise UsageError(f"{key} holds no key of Ed25519; {advice}")
    try:
        signature, data = signature_path(result).read_bytes(), result.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be read ({error.strerror}); `autograder grade --sign KEY` signs a result"
        ) from error
    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _key(path: Path, advice: str) -> object:
    """Return the key in a file; None if it holds none that can be used."""
    try:
        with path.open("rb") as file:
            data = file.read(_KEY_BYTES)
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read ({error.strerror}); {advice}") from error
    for load in (lambda: load_pem_private_key(data, None), lambda: load_pem_public_key(data)):
        try:
            return load()
        except (ValueError, TypeError, UnsupportedAlgorithm):  # no key, a key with a password, a key of another kind
            continue
    return None
