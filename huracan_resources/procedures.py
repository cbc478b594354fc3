"""The procedure that the settings and the code of now make.

What the code does takes seconds to find out, so the lake remembers it by the code: the same home on another
processor keeps its procedure for as long as its code is the same.
"""

import json
import re
from contextlib import suppress

from huracan.errors import InputRefused
from huracan.import_closure import closure, digest_of, save_parsed
from huracan.models.canonical import canonical_json
from huracan.promotion.procedure import Procedure, procedure_of
from huracan_resources.lake.store import ObjectStore
from huracan_resources.settings.settings import Settings, plain

_FOLDER = "behaviours"
_BEHAVIOUR = "huracan.proof.behaviour"
_DIGEST = re.compile("[0-9a-f]{64}")


def procedure_in_force(settings: Settings, store: ObjectStore) -> Procedure:
    """Of these settings and this code; `store` is the lake's."""
    values = {key: plain(value) for key, value in settings.deciding().items()}
    return procedure_of(values, _behaviour(store), settings.universe.symbols)


def _behaviour(store: ObjectStore) -> str:
    version = digest_of(closure(_BEHAVIOUR))
    save_parsed()
    key = f"{_FOLDER}/{version}.json"
    with suppress(InputRefused, ValueError, KeyError, TypeError):
        known = str(json.loads(store.get(key))["behaviour"])
        if _DIGEST.fullmatch(known):
            return known
    # It brings the whole learner.
    from huracan.proof.behaviour import behaviour_digest

    found = behaviour_digest()
    store.put(key, canonical_json({"behaviour": found}))
    return found
