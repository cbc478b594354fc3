"""The version of an asset: a digest of all code that its body reaches, so that old work is never mistaken
for new.

It follows the domain, what assets share in `inputs`, and what they ask of `huracan_resources`, such as the
search of the memory. What only runs, shows, stores or configures (the modules at the root of this package,
plots, the lake itself, settings) is left out: an edit of the notifier must not train a policy again.
"""

from huracan.import_closure import Module, closure, digest_of, save_parsed

_PACKAGE = "huracan_assets"
_OUTSIDE = "huracan_resources"
_ONLY_STORES = tuple(
    f"{_OUTSIDE}.{name}"
    for name in (
        "lake.lake",
        "lake.manifest",
        "lake.parquet",
        "lake.store",
        "resources",
        "settings",
        "signing",
    )
)
"""Keeps and hands out what others decide. What else assets import of that package counts."""
_DEPTH_OF_STAGES = 2
"""What decides content lies in a folder of the package, never at its root."""


def reached_by(module: str) -> list[Module]:
    """Every module whose code decides what the asset declared in `module` holds, that one included."""
    return closure(module, ("huracan", _PACKAGE, _OUTSIDE), is_left_out=_is_machinery)


def code_version(module: str) -> str:
    """16 hex digits; comments, docstrings and layout do not count."""
    version = digest_of(reached_by(module))
    save_parsed()
    return version


def _is_machinery(module: str) -> bool:
    package, *rest = module.split(".")
    is_picture = module.endswith((".plots", "_plots"))
    only_stores = any(module == each or module.startswith(f"{each}.") for each in _ONLY_STORES)
    return is_picture or only_stores or (package == _PACKAGE and len(rest) < _DEPTH_OF_STAGES)
