"""Text from outside on a terminal: nothing in it steers, hides or floods."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from huracan_console.safe_text import plain


def test_what_would_steer_a_terminal_is_spelled_out() -> None:
    assert plain("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m"
    assert plain("a\nb\tc\x00d\u202ee\u2028f") == "a\\nb\\tc\\x00d\\u202ee\\u2028f"
    assert plain("'; DROP TABLE trades; --") == "'; DROP TABLE trades; --"
    assert plain("../../etc/passwd") == "../../etc/passwd"
    assert plain("ETH/USDT ✓ 漢") == "ETH/USDT ✓ 漢"


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert plain("x" * 10_000, 20) == "x" * 19 + "…"
    assert plain("x" * 20, 20) == "x" * 20
    assert len(plain("x" * 10_000)) == 10_000


@given(st.text())
def test_no_text_at_all_leaves_a_character_that_steers(text: str) -> None:
    shown = plain(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in shown)
