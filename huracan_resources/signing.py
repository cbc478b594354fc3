"""The key that signs brains: from the environment, else one of this installation, made at its first use."""

import os
from pathlib import Path

from huracan.brain.signature import generate_key_pair, public_key_of
from huracan_resources.folders import make_folder
from huracan_resources.settings.settings import Settings


def signing_key(settings: Settings) -> str:
    """The Ed25519 private key as base64 text: HURACAN_SIGNING_KEY, else `keys/signing.key` below the home.

    A key of this installation is readable by its owner only, and two processes agree on one.
    """
    given = settings.signing.private_key
    if given is not None:
        key = given.get_secret_value()
        public_key_of(key)
        return key
    path = settings.storage.home / "keys" / "signing.key"
    if not path.exists():
        _write_once(path, generate_key_pair()[0])
    return path.read_text().strip()


def _write_once(path: Path, key: str) -> None:
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(f"{key}\n")
    try:
        # Unlike a rename, a link fails where the name is taken: the first process wins.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
