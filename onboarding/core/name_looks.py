"""What each rule of ``core/name_rules.py`` looks for in a display name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from onboarding.core.name_words import (
    GENERIC,
    GIVEN_NAMES,
    JOINING,
    OFFICIAL,
    PLACES,
    PLATFORM_WORDS,
    PLATFORMS,
    TITLES,
)
from onboarding.core.names import LONGEST, SHORTEST, UNSHOWN

#: Meta's guidelines ask for more characters than its calls do.
_SHORTEST_GOOD = 3
#: Words of one name; longer ones are slogans.
_MOST_WORDS = 6
#: Letters from which a word in capitals is no acronym any more.
_SHOUTED = 5
#: A spelled-out name has at least so many single letters in a row.
_SPELLED = 4
#: Words of a person's name, a title not counted.
_PERSON_WORDS = (2, 3)


@dataclass(frozen=True, slots=True)
class Name:
    """A display name as the rules look at it, and the business that it is to stand for."""

    text: str
    business: str

    @property
    def words(self) -> list[str]:
        """The words as they are written."""
        return self.text.split()

    @property
    def plain_words(self) -> list[str]:
        """The words case-folded, without accents and punctuation."""
        return _plain_words(self.text)


#: Returns the part of the name that breaks a rule; ``None`` if nothing does.
Look = Callable[[Name], str | None]


def _plain(text: str) -> str:
    """Return the text case-folded and without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _plain_words(text: str) -> list[str]:
    return re.findall(r"[\w&]+", _plain(text))


def _length(name: Name) -> str | None:
    return None if SHORTEST <= len(name.text) <= LONGEST else name.text[:LONGEST]


def _too_short(name: Name) -> str | None:
    return name.text if SHORTEST <= len(name.text) < _SHORTEST_GOOD else None


#: Characters of category Cf that scripts need: joiners, and marks of direction.
_JOINERS = "\u200c\u200d\u200e\u200f"


def _unshown(name: Name) -> str | None:
    unshown = (
        f"U+{ord(c):04X}"
        for c in name.text
        if unicodedata.category(c) in (*UNSHOWN, "Cf", "Co", "Cn") and c not in _JOINERS
    )
    return next(unshown, None)


_URL = re.compile(
    r"https?:\S*|www\.\S*|\S+@\S+"
    r"|\b[\w-]+\.(?:com|net|org|info|biz|shop|store|online|app|io|co|me|[a-z]{2})(?:/\S*)?(?=\s|$)",
    re.IGNORECASE,
)
#: What looks like the end of an address, and is not: legal forms and abbreviations.
_ABBREVIATED = re.compile(r"(?:\w\.)+\w{1,2}|\w{1,3}\.[A-Z]\w", re.ASCII)


def _url(name: Name) -> str | None:
    found = (match.group() for match in _URL.finditer(name.text))
    return next((part for part in found if not _ABBREVIATED.fullmatch(part)), None)


def _all_capitals(name: Name) -> str | None:
    shouted = (w for w in name.words if w.isupper() and sum(map(str.isalpha, w)) >= _SHOUTED)
    if (word := next(shouted, None)) is not None:
        return word
    lettered = [w for w in name.words if any(map(str.isalpha, w))]
    return name.text if len(lettered) > 1 and name.text.isupper() else None


def _no_capitals(name: Name) -> str | None:
    return name.text if name.text.islower() and name.text[:1].isalpha() else None


_SPACED = re.compile(rf"\s[,.;:!?'\u2019]|(?<!\w)(?:\w\s){{{_SPELLED - 1},}}\w(?!\w)")


def _spacing(name: Name) -> str | None:
    found = _SPACED.search(name.text)
    return found.group().strip() if found else None


_PUNCTUATED = re.compile(
    r"[!?*#_~\"“”\[\]{}\\/•…]|([.,;:'\u2019&(-])\s?\1|^[.,;:'\u2019&)-]|[,;:&(-]$"
)


def _punctuation(name: Name) -> str | None:
    found = _PUNCTUATED.search(name.text)
    return found.group() if found else None


#: Marks, and what turns a character into an emoji.
_MARKS = "©®™℠℗"
_EMOJI_PARTS = "\ufe0f\u20e3"


def _emoji(name: Name) -> str | None:
    pictures = (
        c
        for c in name.text
        if c in _EMOJI_PARTS
        or "\U0001f1e6" <= c <= "\U0001faff"
        or (unicodedata.category(c) == "So" and c not in _MARKS)
    )
    return next(pictures, None)


def _symbol(name: Name) -> str | None:
    symbols = (
        c
        for c in name.text
        if c in _MARKS or (unicodedata.category(c) in ("Sc", "Sm") and c != "+") or c in "@^|"
    )
    return next(symbols, None)


def _platform(name: Name) -> str | None:
    plain = _plain(name.text)
    if (found := next((word for word in PLATFORMS if word in plain), None)) is not None:
        return found
    return next((word for word in name.plain_words if word in PLATFORM_WORDS), None)


def _official(name: Name) -> str | None:
    return next((word for word in name.plain_words if word in OFFICIAL), None)


def _person(name: Name) -> str | None:
    words = name.plain_words
    titled = bool(words) and words[0] in TITLES
    rest = words[titled:]
    if any(word in GENERIC or word in JOINING for word in rest) or re.search(
        r"['\u2019]s\b", name.text
    ):
        return None
    if titled and 1 <= len(rest) <= _PERSON_WORDS[1]:
        return name.text
    is_full = _PERSON_WORDS[0] <= len(rest) <= _PERSON_WORDS[1]
    return name.text if is_full and rest[0] in GIVEN_NAMES and rest[-1].isalpha() else None


_OF_A_BUSINESS = re.compile(r"(\w+)(?: \w+)? (?:from|at|with|de|von|bei|chez) \S.*")


def _employee(name: Name) -> str | None:
    found = _OF_A_BUSINESS.fullmatch(_plain(name.text))
    return name.text if found and found.group(1) in GIVEN_NAMES | TITLES else None


def _generic(name: Name) -> str | None:
    telling = [word for word in name.plain_words if word not in JOINING]
    return name.text if telling and all(word in GENERIC for word in telling) else None


def _place(name: Name) -> str | None:
    return name.text if " ".join(name.plain_words) in PLACES else None


def _slogan(name: Name) -> str | None:
    return name.text if len(name.words) > _MOST_WORDS else None


def _unlike_business(name: Name) -> str | None:
    if not name.business or not name.text:
        return None
    ours, theirs = _telling(name.text), _telling(name.business)
    if ours & theirs:
        return None
    squeezed = "".join(name.plain_words)
    whole = "".join(_plain_words(name.business))
    initials = "".join(word[0] for word in _plain_words(name.business) if word not in JOINING)
    is_part = squeezed in whole or whole in squeezed
    return None if is_part or (len(initials) > 1 and initials in name.plain_words) else name.text


def _telling(text: str) -> set[str]:
    """Return the words by which a business is told apart; all of them if it has no such word."""
    words = {word.removesuffix("s") for word in _plain_words(text) if len(word) > 1}
    plain = GENERIC | JOINING
    return {word for word in words if word not in plain and f"{word}s" not in plain} or words


#: By the id of the rule.
LOOKS: dict[str, Look] = {
    "length": _length,
    "too_short": _too_short,
    "unshown": _unshown,
    "url": _url,
    "all_capitals": _all_capitals,
    "no_capitals": _no_capitals,
    "spacing": _spacing,
    "punctuation": _punctuation,
    "emoji": _emoji,
    "symbol": _symbol,
    "platform": _platform,
    "official": _official,
    "person": _person,
    "employee": _employee,
    "generic": _generic,
    "place": _place,
    "slogan": _slogan,
    "unlike_business": _unlike_business,
}
