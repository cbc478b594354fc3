"""The benchmark's findings as text for people. Nothing is measured here."""

from typing import Any

PEERS = {
    "sb3_default": "stable-baselines3, its defaults (1 environment, batches of 64)",
    "sb3_default_10_epochs": "  the same at its own 10 epochs",
    "sb3_64": "stable-baselines3 tuned: 64 environments, batches of 4,096",
    "sb3_64_compiled": "  the same, our compiled market as its VecEnv",
    "sb3_1024_compiled": "  the same with 1,024 lanes, batches of 65,536",
    "pufferlib": "PufferLib, 1,024 agents, batches of 8,192",
    "pufferlib_1_epoch": "  the same at its own single epoch",
}

SHARES = ("ratio_sb3_default", "ratio_sb3_tuned", "ratio_pufferlib", "share_of_limit")


def describe(report: dict[str, Any]) -> str:
    machine = report["machine"]
    versions = ", ".join(f"{name} {version or '-'}" for name, version in machine["versions"].items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_at_start']:.1f}",
        versions,
    ]
    if "contestants" in report:
        lines += _describe_learning(report)
    if "market" in report:
        lines += _describe_market(report["market"])
    if "shadow" in report:
        for name in ("trained", "restless"):
            shadow = report["shadow"][name]
            lines.append(
                f"shadow pass of a day of {report['shadow']['symbols']} symbols, {name} policy:"
                f" {shadow['cpu_seconds']:.2f} CPU-seconds, {shadow['wall_seconds']:.2f} s,"
                f" {shadow['trades']} trades"
            )
    if "threads" in report:
        lines += [
            f"{name.replace('_', ' ')} on two cores: {threads['gain']:.2f} times as fast as on one"
            f" ({threads['wall_seconds_one']:.2f} s, {threads['wall_seconds_two']:.2f} s;"
            f" {threads['busy_cores']:.2f} cores were to be had)"
            for name, threads in report["threads"].items()
        ]
    if "memory" in report:
        memory = report["memory"]
        lines.append(
            f"training on {memory['symbols']} symbols x {memory['days']} days x {memory['columns']} features:"
            f" {memory['peak_gib']:.2f} GiB at its peak, {memory['features_gib']:.2f} of it the features"
        )
    if "time_to_policy" in report:
        lines += _describe_race(report["time_to_policy"])
    return "\n".join(lines)


def _describe_learning(report: dict[str, Any]) -> list[str]:
    lines = ["", f"{'environment steps with learning':<62}{'per CPU-s':>11}{'median':>11}{'per wall-s':>12}"]
    for name, rates in report["contestants"].items():
        label = PEERS.get(name, "Huracan")
        lines.append(
            f"{label:<62}{rates['steps_per_cpu_second']:>11,.0f}"
            f"{rates['median_steps_per_cpu_second']:>11,.0f}{rates['steps_per_wall_second']:>12,.0f}"
        )
    giga, needed = report["multiply_adds_per_second"] / 1e9, report["multiply_adds_per_step"]
    limit = f"limit: {giga:.1f} billion multiply-adds a second, {needed:,} a step"
    lines.append(f"{limit:<62}{report['limit_steps_per_second']:>11,.0f}")
    lines += [f"{PEERS[name].strip()}: {why}" for name, why in report["missing"].items()]
    sizes = {rates["parameters"] for rates in report["contestants"].values()}
    lines.append(f"trained numbers of every network: {sizes.pop() if sizes else '-'}")
    for name in SHARES:
        value = report[name]
        lines.append(
            f"{name:<22}{'-' if value is None else format(value, '.3f' if 'share' in name else '.2f')}"
        )
    return lines


def _describe_market(market: dict[str, Any]) -> list[str]:
    lines = ["", f"the market alone, {market['lanes']} lanes, {market['width']} columns"]
    kinds = {"flat": "no order", "calm": "one order in 50 decisions", "busy": "random legal actions"}
    for name, what in kinds.items():
        lines.append(
            f"  {what:<26}{market[f'steps_per_cpu_second_{name}'] / 1e6:8.2f} million steps per CPU-second;"
            f" of an hour of minutes{market[f'hourly_per_cpu_second_{name}'] / 1e6:8.2f};"
            f" action list{market[f'replay_bars_per_cpu_second_{name}'] / 1e6:8.2f} million bars"
            f" ({market[f'replay_fills_per_bar_{name}']:.3f} fills a bar)"
        )
    return lines


def _describe_race(compared: dict[str, Any]) -> list[str]:
    lines = ["", "held-out profit on the planted market, share of the best causal policy's"]
    for name, one in compared.items():
        if one["missing"]:
            lines.append(f"  {name:<20}{one['missing']}")
            continue
        reached, stays = (
            ", ".join("never" if at is None else f"{at:.1f}" for at in one[key])
            for key in ("cpu_seconds_to_60_pct", "cpu_seconds_to_stay_above")
        )
        ended = ", ".join(f"{share:.0%}" for share in one["final_share"])
        spent = ", ".join(f"{seconds:.0f}" for seconds in one["budget_cpu_seconds"])
        line = f"  {name:<20}60 % after {reached} CPU-seconds, for good after {stays}; {ended} after {spent}"
        if one.get("ratio_cpu_seconds"):
            bound = "at least " if one["is_a_lower_bound"] else ""
            line += f"; {bound}{one['ratio_cpu_seconds']:.1f} times Huracan's CPU-seconds to 60 %"
        lines.append(line)
    return lines
