"""Random bytes and texts, mostly near something valid: from a dice that a seed repeats."""

import random
import string
from itertools import pairwise

Dice = random.Random

ODD = (
    *('"', "\\", "{", "}", "[", "]", ":", ",", "\0", "\ud800", "\ufeff", "é", "😀", "\u2028", "%"),
    *("null", "true", "1e999", "-0", "NaN", "1" * 400, "\\ud83d", "\\u0000", "//", "@"),
    *("#", "..", "\u0663"),
)


def text(dice: Dice, most: int = 20) -> str:
    """A short text."""
    return "".join(dice.choices(string.printable, k=dice.randrange(most)))


def damaged(dice: Dice, data: bytes) -> bytes:
    """Bytes with a few changes: bits, bytes, cuts, doubles."""
    found = bytearray(data)
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(found) + 1)
        kind = dice.randrange(6)
        if kind == 0 and found:
            found[at % len(found)] ^= 1 << dice.randrange(8)
        elif kind == 1 and found:
            found[at % len(found)] = dice.randrange(256)
        elif kind == 2:
            found[at:at] = dice.randbytes(dice.randrange(1, 5))
        elif kind == 3:
            del found[at : at + dice.randrange(1, 9)]
        elif kind == 4:
            del found[at:]
        else:
            found[at:at] = found[max(at - dice.randrange(1, 20), 0) : at]
    return bytes(found)


def changed(dice: Dice, base: str) -> str:
    """A text with a few changes."""
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(base) + 1)
        put = dice.choice((dice.choice(ODD), text(dice, 5), ""))
        base = base[:at] + put + base[at + dice.randrange(4) :]
    return base


def cut(dice: Dice, data: bytes) -> list[bytes]:
    """The bytes in pieces."""
    kind = dice.randrange(4)
    if kind == 0 or len(data) < 2:
        return [data]
    if kind == 1 and len(data) < 400:
        return [data[at : at + 1] for at in range(len(data))]
    many = min(dice.choice((1, 2, 5, 20)), len(data) - 1)
    ends = [0, *sorted(dice.sample(range(1, len(data)), many)), len(data)]
    return [data[a:b] for a, b in pairwise(ends)]
