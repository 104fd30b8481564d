"""NAL units, of which packets of H.264 and HEVC consist: taken apart, put together, and read bit by bit.

A packet holds them with their lengths before them, as MP4 and Matroska do, or with start codes, as broadcasts do.
"""

from collections.abc import Iterable

_START = b"\0\0\1"

#: Bytes before a unit that say how long it is, in what is written here.
LENGTH_SIZE = 4


def units_of(packet: bytes, length_size: int) -> list[bytes]:
    """The units of a packet; `length_size` 0: start codes. Raises ValueError where they do not fill it."""
    if length_size == 0:
        # No unit ends with a zero: what comes before a start code is filling.
        return [unit for part in packet.split(_START)[1:] if (unit := part.rstrip(b"\0"))]
    units, position = [], 0
    while position < len(packet):
        begin = position + length_size
        position = begin + int.from_bytes(packet[position:begin])
        if begin == position or position > len(packet):
            raise ValueError("the lengths of units do not fill the packet")
        units.append(packet[begin:position])
    return units


def packet_of(units: Iterable[bytes]) -> bytes:
    """A packet with the units' lengths before them."""
    return b"".join(part for unit in units for part in (len(unit).to_bytes(LENGTH_SIZE), unit))


def unescaped(unit: bytes) -> bytes:
    """Without the bytes that keep start codes out of a unit."""
    return unit.replace(b"\0\0\3", b"\0\0")


def escaped(payload: bytes) -> bytes:
    """With the bytes that keep start codes out of a unit."""
    made, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            made.append(3)
            zeros = 0
        made.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(made)


class BitReader:
    """Reads numbers of any length. Raises ValueError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._length = int.from_bytes(data), 8 * len(data)
        self.position = 0

    def bits(self, count: int) -> int:
        """An unsigned number of `count` bits: u(n) of the standards."""
        value = self.between(self.position, self.position + count)
        self.position += count
        return value

    def flag(self) -> bool:
        """One bit."""
        return bool(self.bits(1))

    def ue(self) -> int:
        """An unsigned Exp-Golomb number."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -code // 2

    def between(self, start: int, stop: int) -> int:
        """The bits from `start` to `stop` as a number."""
        if stop > self._length:
            raise ValueError("a unit ends too early")
        return self._value >> (self._length - stop) & ((1 << (stop - start)) - 1)


def ue_bits(value: int) -> tuple[int, int]:
    """An unsigned Exp-Golomb code: its bits as a number, and how many they are."""
    return value + 1, 2 * (value + 1).bit_length() - 1
