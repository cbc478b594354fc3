"""Ed25519 signatures over bytes, with keys as base64 text. Where keys are kept is not known here."""

import base64
import binascii

from huracan.errors import InputRefused, InvalidInput

KEY_BYTES, SIGNATURE_BYTES = 32, 64


def generate_key_pair() -> tuple[str, str]:
    """A new (private, public) pair as base64 text, from the system's randomness."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return _text(key.private_bytes_raw()), _text(key.public_key().public_bytes_raw())


def public_key_of(private_key: str) -> str:
    """The public half of a private key; InvalidInput where the text is no key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(_key_bytes(private_key, "private"))
    return _text(key.public_key().public_bytes_raw())


def sign(private_key: str, content: bytes) -> bytes:
    """The signature of `content` as base64 text with a newline. Ed25519 is deterministic."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(_key_bytes(private_key, "private"))
    return _text(key.sign(content)).encode() + b"\n"


def verify(public_key: str, content: bytes, signature: bytes, name: str) -> None:
    """Returns if `signature` is the key holder's over `content`; else InputRefused naming `name`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(_key_bytes(public_key, "public"))
    remedy = "Fetch the brain again; if it stays so, do not use it."
    try:
        raw = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputRefused(f"The signature of {name} is not readable.", remedy) from error
    # One spelling only: base64 ignores stray bits at its end, which would let a changed file through.
    if len(raw) != SIGNATURE_BYTES or signature != _text(raw).encode() + b"\n":
        raise InputRefused(f"The signature of {name} is damaged.", remedy)
    try:
        key.verify(raw, content)
    except InvalidSignature as error:
        raise InputRefused(f"{name} was not signed by the given key, or was changed.", remedy) from error


def _key_bytes(text: object, kind: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        remedy = (
            "Give the text of the key that you trust." if kind == "public" else "Generate a new key pair."
        )
        raise InvalidInput(f"The {kind} key is not {KEY_BYTES} bytes of base64 text.", remedy)
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
