"""What a file is, by its first bytes. Its name and what the browser calls it are never asked."""

from __future__ import annotations

from typing import Final

# So many bytes are looked at.
HEAD_BYTES: Final = 4096
EBML: Final = b"\x1a\x45\xdf\xa3"
# The first brand of files that phones and browsers record: pictures (heic, avif) and sound (M4A) have others.
BRANDS: Final = (
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"avc1", b"mp41", b"mp42"),
    *(b"mp4v", b"M4V ", b"MSNV", b"XAVC", b"qt  ", b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3ge6", b"3gg6", b"3g2a"),
)
MP4: Final = "mp4"
WEBM: Final = "webm"
CONTENT_TYPES: Final = {MP4: "video/mp4", WEBM: "video/webm"}


def kind_of(head: bytes) -> str:
    """``mp4`` (also QuickTime and 3GP), ``webm`` (also Matroska), or empty for everything else."""
    if head[4:8] == b"ftyp" and 16 <= int.from_bytes(head[:4], "big") <= HEAD_BYTES and head[8:12] in BRANDS:
        return MP4
    if head.startswith(EBML) and (b"\x42\x82\x84webm" in head[:64] or b"\x42\x82\x88matroska" in head[:64]):
        return WEBM
    return ""
