"""How long a file of audio plays at most, from its own frames and headers, as a decoder would find it.

WAV: RIFF; FLAC: RFC 9639; Ogg: RFC 3533, Opus RFC 7845, Vorbis I; MP4: ISO 14496-12; MP3: ISO 11172-3 and 13818-3.
A file of another kind is bounded by its bytes, at a rate below which no speech codec in use goes.
"""

from __future__ import annotations

import struct
from typing import Final

BYTES_PER_SECOND_MIN: Final = 300  # Codec 2 at 2,400 bit/s; MP3, AAC and Opus need more
_MP3_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MP3_KBITS: Final = {
    (3, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def seconds_max(data: bytes) -> int:
    """The most seconds that `data` plays, rounded up; at least 1."""
    try:
        length = _length(data)
    except (struct.error, IndexError, ZeroDivisionError):
        length = None
    by_bytes = len(data) / BYTES_PER_SECOND_MIN
    return int(by_bytes if length is None else length) + 1


def _length(data: bytes) -> float | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _wav(data)
    if data[:4] == b"fLaC":
        return _flac(data)
    if data[:4] == b"OggS":
        return _ogg(data)
    if data[4:8] == b"ftyp":
        return _mp4(data)
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return _mp3(data)
    return None


def _wav(data: bytes) -> float | None:
    """By what a block holds, not by the size that the header claims: all bytes of the file are played."""
    at = data.find(b"fmt ", 12, 4_096)
    if at < 0:
        return None
    form, _, rate, _, block = struct.unpack_from("<HHIIH", data, at + 8)
    if form not in {1, 3, 0xFFFE} or not rate or not block:  # compressed: only its bytes bound it
        return None
    return float(len(data) / (rate * block))


def _flac(data: bytes) -> float | None:
    packed = int.from_bytes(data[18:26], "big")
    rate, samples = packed >> 44, packed & ((1 << 36) - 1)
    return samples / rate if rate and samples else None


def _ogg(data: bytes) -> float | None:
    """The granule of the last page, in samples. Opus always counts 48,000 a second."""
    head = data[28:36]
    if head == b"OpusHead":
        rate = 48_000
    elif head[:7] == b"\x01vorbis":
        rate = int(struct.unpack_from("<I", data, 40)[0])
    else:
        return None
    most, at = 0, data.find(b"OggS")
    while at >= 0:
        granule = struct.unpack_from("<q", data, at + 6)[0]
        most, at = max(most, granule), data.find(b"OggS", at + 27)
    return most / rate


def _mp4(data: bytes) -> float | None:
    """The movie header, wherever it stands; the longest of those found."""
    longest, at = 0.0, data.find(b"mvhd")
    while at >= 0:
        if data[at + 4] == 1:
            scale, length = struct.unpack_from(">IQ", data, at + 24)
        else:
            scale, length = struct.unpack_from(">II", data, at + 16)
        longest, at = max(longest, length / scale), data.find(b"mvhd", at + 4)
    return longest or None


def _mp3(data: bytes) -> float | None:
    """Frame by frame. What is no frame is skipped, as decoders do."""
    at, seconds, frames = _behind_tag(data), 0.0, 0
    while at + 4 <= len(data):
        step = _frame(data[at : at + 4])
        if step is None:
            at = data.find(b"\xff", at + 1)
            if at < 0:
                break
            continue
        size, played = step
        seconds, frames, at = seconds + played, frames + 1, at + size
    return seconds if frames else None


def _behind_tag(data: bytes) -> int:
    if data[:3] != b"ID3":
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(head: bytes) -> tuple[int, float] | None:
    """Bytes and seconds of the frame that `head` starts; None: it starts none."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    kbits, rate_at, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or version == 1 or not layer or kbits in {0, 15} or rate_at == 3:
        return None
    rate = _MP3_RATES[version][rate_at]
    table = (3, layer) if version == 3 else (2, 3 if layer == 3 else 2)
    bits = _MP3_KBITS[table][kbits] * 1_000
    if layer == 3:
        return (12 * bits // rate + padding) * 4, 384 / rate
    samples = 576 if layer == 1 and version != 3 else 1_152
    return samples // 8 * bits // rate + padding, samples / rate
