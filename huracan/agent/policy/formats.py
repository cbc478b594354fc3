"""The formats of a checkpoint that can be read, and what differs between them."""

BY_KIND, BY_ACTION = "huracan-policy-3", "huracan-policy-2"
"""By the kind of action first (`huracan.market.choice`), or by the largest probability of all. Nothing else
differs, so both are written: each policy as what it decides by."""
FORMATS = (BY_KIND, BY_ACTION)
