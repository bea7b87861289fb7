"""Addresses of chats: the id of a channel, with a sign before it unless it is the direct channel of one person."""

DIRECT = "D"  # a channel's type; O, P and G are of several people
GROUP_SIGN = "#"
ID_LENGTH = 26


def to_address(channel: str, *, direct: bool) -> str:
    """Return the address of a channel."""
    return channel if direct else f"{GROUP_SIGN}{channel}"


def to_channel(address: str) -> str:
    """Return the id of the channel of an address."""
    return address.removeprefix(GROUP_SIGN)


def is_group(address: str) -> bool:
    """Whether several people read what is sent there."""
    return address.startswith(GROUP_SIGN)


def is_direct_name(name: str) -> bool:
    """Whether a channel's name is that of a direct one: both ids, smaller one first."""
    first, sign, second = name.partition("__")
    return bool(sign) and all(len(one) == ID_LENGTH and one.isalnum() for one in (first, second))


def find_partner(name: str, own: str) -> str:
    """Return who is there besides us by a direct channel's name; "" for another channel."""
    return next((one for one in name.split("__") if one != own), "") if is_direct_name(name) else ""
