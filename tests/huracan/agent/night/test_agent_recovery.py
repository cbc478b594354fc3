"""States out and in, of numbers, arrays and generators; foreign and damaged ones count as none."""

from pathlib import Path

import numpy as np

from huracan.agent.night.recovery import FileRecovery, pack_state, unpack_state

STATE = {
    "engine": {"weights": np.arange(4, dtype=np.float32), "steps": np.array([7])},
    "masks": np.array([[True, False]]),
    "nothing": np.zeros((0, 3)),
    "generator": np.random.default_rng(3).bit_generator.state,
    "updates_done": 12,
}


def test_a_state_comes_back_to_the_bit() -> None:
    found = unpack_state(pack_state(STATE, "me"), "me")
    assert found is not None
    assert np.array_equal(found["engine"]["weights"], STATE["engine"]["weights"])
    assert found["engine"]["weights"].dtype == np.float32
    assert found["masks"].dtype == bool
    assert found["nothing"].shape == (0, 3)
    assert found["updates_done"] == 12
    again = np.random.default_rng(0)
    again.bit_generator.state = found["generator"]
    assert np.array_equal(again.random(5), np.random.default_rng(3).random(5))
    found["engine"]["weights"][0] = 9.0  # writable, and nobody else's


def test_a_state_of_another_training_or_a_damaged_one_is_none() -> None:
    packed = pack_state(STATE, "me")
    assert unpack_state(packed, "you") is None
    assert unpack_state(packed[:-1], "me") is None
    assert unpack_state(b"", "me") is None
    altered = bytearray(packed)
    altered[-1] ^= 1
    assert unpack_state(bytes(altered), "me") is None


def test_a_file_keeps_the_last_state_whole(tmp_path: Path) -> None:
    recovery = FileRecovery(tmp_path / "night" / "state.safetensors")
    assert recovery.load() is None
    recovery.save(b"first")
    recovery.save(b"second")
    assert recovery.load() == b"second"
    assert [path.name for path in recovery.path.parent.iterdir()] == ["state.safetensors"]
    recovery.clear()
    recovery.clear()
    assert recovery.load() is None
