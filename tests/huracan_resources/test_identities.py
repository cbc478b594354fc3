"""Short identities: each is told from all others by what is shown of it."""

from hypothesis import given
from hypothesis import strategies as st

from huracan_resources.identities import beginnings


def test_a_beginning_is_as_long_as_it_must_be() -> None:
    assert beginnings(["aaaaaaaa11", "aaaaaaaa12", "bbbbbbbbbb"]) == {
        "aaaaaaaa11": "aaaaaaaa11",
        "aaaaaaaa12": "aaaaaaaa12",
        "bbbbbbbbbb": "bbbbbbbb",
    }
    assert beginnings(["ab", "abc"], least=1) == {"ab": "ab", "abc": "abc"}
    assert beginnings([]) == {}


@given(st.sets(st.text("01", min_size=12, max_size=12)))
def test_every_beginning_is_that_of_one_identity_alone(identities: set[str]) -> None:
    for identity, short in beginnings(identities).items():
        assert len(short) >= 8 and [each for each in identities if each.startswith(short)] == [identity]
