"""The basis point, in which costs, returns and distances are told. One definition, for every room."""

BASIS_POINT = 1e-4
"""One basis point as a share of a whole: `bps * BASIS_POINT` is a share."""

WHOLE_BPS = 1.0 / BASIS_POINT
"""A whole in basis points, 10,000 exactly: `share * WHOLE_BPS` is in bps. Not the same to the last bit as
`share / BASIS_POINT`; what is stored keeps the one by which it was first made."""
