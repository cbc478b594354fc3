"""The version of an asset: a digest of all code that its body reaches, so that old work is never mistaken
for new.

It follows the domain and what assets share in `inputs`. What only runs, shows or stores (the modules at the
root of this package, plots, resources) is left out: an edit of the notifier must not train a policy again.
"""

from huracan.import_closure import Module, closure, digest_of, save_parsed

_PACKAGE = "huracan_assets"
_DEPTH_OF_STAGES = 2
"""What decides content lies in a folder of the package, never at its root."""


def reached_by(module: str) -> list[Module]:
    """Every module whose code decides what the asset declared in `module` holds, that one included."""
    return closure(module, ("huracan", _PACKAGE), is_left_out=_is_machinery)


def code_version(module: str) -> str:
    """16 hex digits; comments, docstrings and layout do not count."""
    version = digest_of(reached_by(module))
    save_parsed()
    return version


def _is_machinery(module: str) -> bool:
    package, *rest = module.split(".")
    is_picture = module.endswith((".plots", "_plots"))
    return is_picture or (package == _PACKAGE and len(rest) < _DEPTH_OF_STAGES)
