"""Messages without what must not be kept: account ids, keys, encoded messages, mail addresses."""

import re

EVIDENCE_CHARACTERS = 240
_MASKS = (
    (re.compile(r"(Encoded authorization failure message:?\s*)\S+", re.IGNORECASE), r"\1[masked]"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{12,}\b"), "[key id]"),
    (re.compile(r"(?<=[:/@-])\d{12}(?=\D|$)|(?<=\b)\d{12}(?=\b)"), "[account]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"(?<=projects/)[a-z][a-z0-9-]{4,28}[a-z0-9](?=/|'|\b)"), "[project]"),
    (re.compile(r"(?<=project=)[\w-]+"), "[project]"),
    (re.compile(r"(?i)(request ?id:?\s*)[0-9a-f-]{20,}"), r"\1[id]"),
    (re.compile(r"\b(?:ya29\.[\w-]+|eyJ[\w-]{20,}[\w.-]*|hf_\w{16,})"), "[token]"),
    (re.compile(r"\b[A-Za-z0-9_-]{120,}\b"), "[masked]"),
)


def mask(text: str) -> str:
    """``text`` with everything of the kind replaced by a word in brackets."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def sentence_around(text: str, start: int, end: int) -> str:
    """The sentence of ``text`` (white space folded) that holds the span, masked and cut short."""
    marks = [(text.rfind(mark, 0, start), len(mark)) for mark in (". ", "; ", "* ")]
    begin = max(place + length for place, length in [*marks, (0, 0)] if place >= 0)
    if start - begin > EVIDENCE_CHARACTERS // 2:
        begin = text.find(" ", start - EVIDENCE_CHARACTERS // 2, start) + 1 or start
    stops = [place for place in (text.find(mark, end) for mark in (". ", "; ")) if place != -1]
    stop = min([*stops, len(text), begin + 2 * EVIDENCE_CHARACTERS])
    found = mask(" ".join(text[begin:stop].split())).strip(" *│.,;")
    return found if len(found) <= EVIDENCE_CHARACTERS else found[: EVIDENCE_CHARACTERS - 1].rstrip() + "…"
