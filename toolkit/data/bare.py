"""A picture without its metadata, for files whose metadata keeps their pixels from being read."""

from __future__ import annotations

from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_JPEG = b"\xff\xd8"
_START_OF_SCAN = 0xDA
_APP0, _APP1, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE


def bare(content: bytes) -> Iterator[bytes]:
    """The file with less and less in it: its EXIF block alone beside the pixels, then nothing
    beside them. A PNG or JPEG; of other files, nothing is given."""
    for keep_exif in (True, False):
        if content.startswith(_PNG):
            yield _bare_png(content, keep_exif=keep_exif)
        elif content.startswith(_JPEG):
            yield _bare_jpeg(content, keep_exif=keep_exif)


def _bare_png(content: bytes, *, keep_exif: bool) -> bytes:
    wanted = _PNG_PIXELS | {b"eXIf"} if keep_exif else _PNG_PIXELS
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):  # length, kind, body, checksum
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] in wanted:
            kept.append(content[at:end])
        at = end
    return b"".join(kept)


def _bare_jpeg(content: bytes, *, keep_exif: bool) -> bytes:
    kept, at = [_JPEG], len(_JPEG)
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _START_OF_SCAN:
            break
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        body = content[at + 4 : end]
        exif = marker == _APP1 and body.startswith(b"Exif\0\0")
        # Adobe's says whether four channels are CMYK or YCCK: no metadata, but how to read them.
        colours = marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12
        meta = _APP0 <= marker <= _APP15 or marker == _COMMENT
        if not meta or colours or (exif and keep_exif):
            kept.append(content[at:end])
        at = end
    return b"".join(kept) + content[at:]
