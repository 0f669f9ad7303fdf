"""Codes of languages: containers write three letters (ISO 639-2), recognisers two (ISO 639-1)."""

from __future__ import annotations

import re
from typing import Final

_PAIRS = """
afr:af alb:sq sqi:sq amh:am ara:ar arm:hy hye:hy asm:as aze:az bak:ba baq:eu eus:eu bel:be ben:bn bos:bs bre:br
bul:bg bur:my mya:my cat:ca chi:zh zho:zh cmn:zh yue:zh cze:cs ces:cs dan:da dut:nl nld:nl eng:en est:et fao:fo
fin:fi fre:fr fra:fr geo:ka kat:ka ger:de deu:de gle:ga glg:gl gre:el ell:el guj:gu hat:ht hau:ha heb:he hin:hi
hrv:hr hun:hu ice:is isl:is ind:id ita:it jav:jw jpn:ja kan:kn kaz:kk khm:km kor:ko lao:lo lat:la lav:lv lin:ln
lit:lt ltz:lb mac:mk mkd:mk mal:ml mao:mi mri:mi mar:mr may:ms msa:ms mlg:mg mlt:mt mon:mn nep:ne nno:nn nor:no
nob:no oci:oc pan:pa per:fa fas:fa pol:pl por:pt pus:ps rum:ro ron:ro rus:ru san:sa sin:si slo:sk slk:sk slv:sl
sna:sn snd:sd som:so spa:es srp:sr sun:su swa:sw swe:sv tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tib:bo bod:bo
tuk:tk tur:tr ukr:uk urd:ur uzb:uz vie:vi wel:cy cym:cy yid:yi yor:yo jv:jw nb:no
"""
_TWO_OF_THREE = dict(pair.split(":") for pair in _PAIRS.split())
_SECOND_CODES: Final = {
    "mp4": "sqi hye eus mya zho ces nld fra kat deu ell isl mkd mri msa fas ron slk bod cym",
    "mov": "fra ron ces slk",
}
"""Some languages have two codes. MP4 wants the one like the language's own name (ISO 14496-12, 8.4.2), QuickTime knows
one or the other, and Matroska wants the first."""
_THREE: Final = re.compile(r"[a-z]{3}")
_UNKNOWN = {"", "und", "mis", "mul", "zxx", "qaa"}
UNDETERMINED: Final = "und"


def language_code(tag: str | None) -> str | None:
    """The short code of a language, such as `en` for `eng`, `en-US` or `EN`; None for "not known".

    A code that is not in the table comes back as it is, in small letters and without its region.
    """
    short = (tag or "").strip().lower().replace("_", "-").partition("-")[0]
    return None if short in _UNKNOWN else _TWO_OF_THREE.get(short, short)


def container_code(language: str | None, name: str) -> str:
    """The code of three letters that a container has for a language; `und` where it is not known.

    Args:
        language: short code, or one of three letters.
        name: of the container's format, as FFmpeg calls it: "matroska", "mp4" or "mov".
    """
    short = language_code(language) or ""
    known = [three for three, two in _TWO_OF_THREE.items() if two == short and len(three) == 3]
    known.sort(key=lambda three: three not in _SECOND_CODES.get(name, ""))
    return next(iter(known), short if _THREE.fullmatch(short) else UNDETERMINED)
