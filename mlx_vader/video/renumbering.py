"""Gives the parameter sets of an HEVC stream, and the slices that name them, another number.

So two encoders' pictures can be one stream: a decoder knows the sets of both from the beginning. libx265 numbers all of
its sets 0. Numbers in parentheses are sections of H.265.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_vader.video.nal import BitReader, escaped, ue_bits, unescaped
from mlx_vader.video.parameter_sets import PROFILE_BYTES, unit_type

_VPS, _SPS, _PPS = 32, 33, 34
_FIRST_IRAP, _LAST_IRAP, _IDR = 16, 23, (19, 20)
_B, _P = 0, 1

#: No header of a slice is longer.
_LONGEST_HEADER = 8192


@dataclass(frozen=True)
class _Sps:
    chroma: int
    poc_bits: int
    adaptive_offset: bool
    short_term_sets: tuple[int, ...]  # how many pictures each names
    temporal_mvp: bool


@dataclass(frozen=True)
class _Pps:
    output_flag: bool
    extra_bits: int
    cabac_init: bool
    references: tuple[int, int]
    chroma_offsets: bool
    weighted: bool
    weighted_both: bool
    synchronised: bool
    across_slices: bool
    deblocking_override: bool
    deblocking: bool
    extension: bool


class Renumbering:
    """Of one stream with one set of each type."""

    def __init__(self, sets: Sequence[bytes], number: int, profile: bytes) -> None:
        """`number`: the new one. `profile`: what the stream is said to be instead: profile, tier and level.

        Raises ValueError for a stream that has what libx265 does not write.
        """
        kinds = {unit_type("hevc", unit): unit for unit in sets}
        self._number, self._profile = number, profile
        self._sps, self._pps = _read_sps(unescaped(kinds[_SPS])), _read_pps(unescaped(kinds[_PPS]))

    def unit(self, unit: bytes) -> bytes:
        """The unit with the new number in it."""
        kind = unit_type("hevc", unit)
        if kind < _VPS:
            return self._slice(unit, kind)
        if kind == _VPS:
            return unit[:2] + escaped(self._with_profile(unescaped(unit)[2:], 4))
        if kind == _SPS:
            return unit[:2] + escaped(self._set(self._with_profile(unescaped(unit)[2:], 1), 8 + 8 * 12, 1))
        if kind == _PPS:
            return unit[:2] + escaped(self._set(unescaped(unit)[2:], 0, 2))
        return unit

    def _with_profile(self, payload: bytes, place: int) -> bytes:
        """A video or sequence parameter set, which begin alike, with another number of the former, and profile."""
        first = self._number << 4 | payload[0] & 15
        rest = payload[place + PROFILE_BYTES["hevc"] :]
        return bytes([first]) + payload[1:place] + self._profile + rest

    def _set(self, payload: bytes, place: int, count: int) -> bytes:
        """A set with `count` new ids at bit `place`."""
        bits = BitReader(payload)
        bits.position = place
        for _ in range(count):
            bits.ue()
        last = payload.rstrip(b"\0")[-1]
        end = 8 * len(payload.rstrip(b"\0")) - (last & -last).bit_length()  # where the stop bit is
        return self._replaced(bits, place, bits.position, end, count)

    def _slice(self, unit: bytes, kind: int) -> bytes:
        payload = unescaped(unit[2 : 2 + _LONGEST_HEADER])
        bits = BitReader(payload)
        if not bits.flag():
            raise ValueError("a picture has several slices")
        if _FIRST_IRAP <= kind <= _LAST_IRAP:
            bits.flag()
        place = bits.position
        bits.ue()
        behind = bits.position
        self._skip_header(bits, kind)
        end = bits.position
        filling = 8 - end % 8
        if bits.bits(filling) != 1 << (filling - 1):
            raise ValueError("the header of a slice does not end where it should")
        header = self._replaced(bits, place, behind, end, 1)
        # The stop bit and zeros fill the last byte: it is never zero, and what follows stays escaped as it is.
        return unit[:2] + escaped(header) + unit[2 + _escaped_length(unit[2:], end // 8 + 1) :]

    def _replaced(self, bits: BitReader, place: int, behind: int, end: int, count: int) -> bytes:
        """The bits up to `end`, with new ids for those between `place` and `behind`, and the stop bit."""
        value, length = bits.between(0, place), place
        code, size = ue_bits(self._number)
        for _ in range(count):
            value, length = value << size | code, length + size
        value, length = value << (end - behind) | bits.between(behind, end), length + end - behind
        filling = 7 - length % 8
        return ((value << 1 | 1) << filling).to_bytes((length + 1 + filling) // 8)

    def _skip_header(self, bits: BitReader, kind: int) -> None:
        """From behind the id to the stop bit (7.3.6.1), for pictures of one slice."""
        sps, pps = self._sps, self._pps
        bits.bits(pps.extra_bits)
        slice_type = bits.ue()
        if pps.output_flag:
            bits.flag()
        motion_from_before = False
        if kind not in _IDR:
            bits.bits(sps.poc_bits)
            known = len(sps.short_term_sets)
            if not bits.flag():
                _short_term_set(bits, sps.short_term_sets, in_slice=True)
            elif known > 1:
                bits.bits((known - 1).bit_length())
            motion_from_before = sps.temporal_mvp and bits.flag()
        offsets = False
        if sps.adaptive_offset:
            offsets = bits.flag()
            offsets = (bits.flag() if sps.chroma else False) or offsets
        if slice_type in {_P, _B}:
            self._skip_prediction(bits, slice_type, motion_from_before=motion_from_before)
        bits.se()
        if pps.chroma_offsets:
            bits.se()
            bits.se()
        deblocking = pps.deblocking
        if pps.deblocking_override and bits.flag():
            deblocking = not bits.flag()
            if deblocking:
                bits.se()
                bits.se()
        if pps.across_slices and (offsets or deblocking):
            bits.flag()
        if pps.synchronised and (count := bits.ue()):
            size = bits.ue() + 1
            bits.position += size * count
        if pps.extension:
            bits.position += 8 * bits.ue()

    def _skip_prediction(self, bits: BitReader, slice_type: int, *, motion_from_before: bool) -> None:
        pps, both = self._pps, slice_type == _B
        references = list(pps.references)
        if bits.flag():
            references[0] = bits.ue() + 1
            references[1] = bits.ue() + 1 if both else references[1]
        if both:
            bits.flag()
        if pps.cabac_init:
            bits.flag()
        if motion_from_before:
            from_second = both and not bits.flag()
            if references[from_second] > 1:
                bits.ue()
        if pps.weighted_both if both else pps.weighted:
            self._skip_weights(bits, references if both else references[:1])
        bits.ue()

    def _skip_weights(self, bits: BitReader, references: Sequence[int]) -> None:
        """See 7.3.6.3."""
        chroma = self._sps.chroma != 0
        bits.ue()
        if chroma:
            bits.se()
        for count in references:
            luma = [bits.flag() for _ in range(count)]
            colours = [bits.flag() for _ in range(count)] if chroma else [False] * count
            for weighted, coloured in zip(luma, colours, strict=True):
                for _ in range(2 * weighted + 4 * coloured):
                    bits.se()


def _escaped_length(data: bytes, count: int) -> int:
    """How many bytes of a unit hold `count` bytes of its payload."""
    length = count
    while len(unescaped(data[:length])) < count:
        length += 1
    return length


def _read_sps(payload: bytes) -> _Sps:
    """See 7.3.2.2."""
    bits = BitReader(payload[2:])
    bits.bits(4)
    _only(bits.bits(3) == 0)
    bits.bits(1 + 8 * PROFILE_BYTES["hevc"])
    bits.ue()
    chroma = bits.ue()
    _only(chroma != 3 or not bits.flag())
    bits.ue()
    bits.ue()
    if bits.flag():
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    poc_bits = bits.ue() + 4
    bits.flag()
    for _ in range(3 + 6):
        bits.ue()
    _only(not bits.flag())  # lists of scaling factors
    bits.flag()
    adaptive_offset = bits.flag()
    _only(not bits.flag())  # samples that are not coded
    sets: list[int] = []
    for _ in range(bits.ue()):
        sets.append(_short_term_set(bits, sets, in_slice=False))
    _only(not bits.flag())  # long-term references
    return _Sps(chroma, poc_bits, adaptive_offset, tuple(sets), temporal_mvp=bits.flag())


def _read_pps(payload: bytes) -> _Pps:
    """See 7.3.2.3."""
    bits = BitReader(payload[2:])
    bits.ue()
    bits.ue()
    _only(not bits.flag())  # dependent slices
    output_flag, extra_bits = bits.flag(), bits.bits(3)
    bits.flag()
    cabac_init = bits.flag()
    references = bits.ue() + 1, bits.ue() + 1
    bits.se()
    bits.bits(2)
    if bits.flag():
        bits.ue()
    bits.se()
    bits.se()
    chroma_offsets = bits.flag()
    weighted, weighted_both = bits.flag(), bits.flag()
    bits.flag()
    _only(not bits.flag())  # tiles
    synchronised, across_slices = bits.flag(), bits.flag()
    override, deblocking = False, True
    if bits.flag():
        override, deblocking = bits.flag(), not bits.flag()
        if deblocking:
            bits.se()
            bits.se()
    _only(not bits.flag())  # lists of scaling factors
    _only(not bits.flag())  # references in another order
    bits.ue()
    extension = bits.flag()
    _only(not bits.flag())
    return _Pps(
        output_flag,
        extra_bits,
        cabac_init,
        references,
        chroma_offsets,
        weighted,
        weighted_both,
        synchronised,
        across_slices,
        override,
        deblocking,
        extension,
    )


def _short_term_set(bits: BitReader, before: Sequence[int], *, in_slice: bool) -> int:
    """How many pictures a set of references names (7.3.7); `before`: how many those before it name."""
    if before and bits.flag():
        distance = bits.ue() + 1 if in_slice else 1
        bits.flag()
        bits.ue()
        count = 0
        for _ in range(before[-distance] + 1):
            used = bits.flag()
            count += used or bits.flag()
        return count
    count = bits.ue() + bits.ue()
    for _ in range(count):
        bits.ue()
        bits.flag()
    return count


def _only(condition: bool) -> None:
    if not condition:
        raise ValueError("the encoder uses what is not understood here")
