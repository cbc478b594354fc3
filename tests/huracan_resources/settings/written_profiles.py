"""Settings from a folder of profiles that a test writes."""

from pathlib import Path

from huracan_resources.settings.settings import Settings, explain, load_settings


def load(folder: Path, overrides: dict[str, object] | None = None, **environ: str) -> Settings:
    places = {"HURACAN_CONFIG_DIR": str(folder), "HURACAN_HOME": str(folder / "none")}
    return load_settings(overrides, places | environ)


def origin(settings: Settings, key: str) -> tuple[str, str]:
    return {name: (value, origin) for name, value, origin in explain(settings)}[key]
