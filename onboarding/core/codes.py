"""One-time codes in the texts that they come in: understood, or refused; never guessed.

Meta writes ``WhatsApp code 123-830`` and says "Verification code is 123456" three times, in any
language. People and gateways put more around it: their own numbers, dates and times. So digits
are looked at in whole groups, with all that ties them to further digits: six digits that are part
of a phone number, an amount or a ticket are no code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from onboarding.core.numbers import to_ascii
from onboarding.errors import InputError

#: Phones make other dashes of the one between the halves, and other blanks.
_DASH = r"\-\u2010-\u2015\u2212\uff0d"
_BLANK = r" \t\u00a0\u2000-\u200a\u202f\u3000"

#: Digits with all that they are tied to. Whatever is no letter may stand within one number.
_GROUP = re.compile(r"[+#]*\d+(?:(?:[^\w\n]|_){1,4}\d+)*")

#: What a group must be, from end to end: six digits, in halves, or spelled out one by one.
_CODE = re.compile(
    rf"\d{{3}}[{_DASH}{_BLANK}]?\d{{3}}|\d(?:(?:[{_BLANK}{_DASH}]|[,.][{_BLANK}])\d){{5}}"
)

#: Dates and times are told from a code by their own form.
_BESIDE = re.compile(
    rf"""(?<![\w{_DASH}.,:/+])(?:
      \d{{1,2}}:\d{{2}}(?::\d{{2}})?
    | \d{{4}}-\d{{2}}-\d{{2}}(?:T\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?Z?)?
    | \d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})
    )(?![{_DASH}.,:/]?\d)(?![A-Za-z_])""",
    re.VERBOSE,
)

#: The end of a sentence ties nothing, nor does a colon that announces something.
_PAUSE = re.compile(rf"(?<=\d)(?:[.;:!?][{_BLANK}]+|[\u3002\uff01\uff0c\uff1a\uff1b\uff1f])")

#: Before or after a group, these make it a part of something else: a word, an address, an amount.
#: Scripts without blanks between words may touch it; ``G-123456`` is the code of somebody else.
_PART_BEFORE = re.compile(rf"(?:[A-Za-z@%]|[^\W\d_][{_DASH}_/])$")
_PART_AFTER = re.compile(rf"(?:[A-Za-z_@%#]|[{_DASH}/][^\W\d_])")


def parse_code(text: str) -> str:
    """Return the six digits of a code, as Meta sends it or as a person repeats it.

    ``123830``, ``123-830``, ``1 2 3 8 3 0`` and ``WhatsApp code 123-830`` all give ``123830``,
    in the digits of any script.

    Raises:
        InputError: no code in the text, or two different ones. The message never repeats the text.
    """
    found = {to_ascii("".join(filter(str.isdecimal, group))) for group in _candidates(text)}
    if len(found) != 1:
        problem = "holds no six-digit code" if not found else "holds more than one code"
        raise InputError(
            f"the text {problem}", field="code", hint="give the six digits, like 123-830"
        )
    return found.pop()


def _candidates(text: str) -> Iterator[str]:
    """Yield the groups of digits that are a code by their form."""
    shown = "".join(c for c in text if unicodedata.category(c) != "Cf")  # marks of direction
    for line in shown.splitlines():
        plain = _PAUSE.sub("\n", _BESIDE.sub("\n", line))
        for group in _GROUP.finditer(plain):
            before, after = plain[: group.start()][-2:], plain[group.end() :][:2]
            if _CODE.fullmatch(group[0]) and not _is_part(before, after):
                yield group[0]


def _is_part(before: str, after: str) -> bool:
    is_amount = any(unicodedata.category(c) == "Sc" for c in before[-1:] + after[:1])
    return bool(is_amount or _PART_BEFORE.search(before) or _PART_AFTER.match(after))


#: How the texts that carry Meta's codes name it, in the scripts that we know of; and what the
#: voice says.
_METAS = re.compile(
    r"whats\s?app|verification\s+code\s+is|واتس\s?[اآ]ب|व्हाट्स\s?[ऐए]प|[вВ]атсап|왓츠\s?앱"
    r"|ワッツアップ|ווא?טסאפ",
    re.IGNORECASE,
)


def is_metas(text: str) -> bool:
    """Whether a text that nobody read says that its code is WhatsApp's.

    A phone gets codes of banks and shops as well. Whoever hands in a text by a program asks this
    first; a person knows what they hand in.
    """
    return _METAS.search(text) is not None
