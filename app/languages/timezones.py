"""Time zones as people look for them: by a city or a country in either language, by their IANA name, by what is shown.

Names come from CLDR (through Babel), which zones there are from the IANA time zone database: one for each city that its
``zone.tab`` names, and UTC. Older names of a zone are understood and lead to the present one.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.core import get_global

from app.languages.cities import CITIES, COUNTRIES

UTC = "UTC"
LANGUAGES = ("ko", "en")
MOST_PROPOSALS = 6
LONGEST, LONGEST_NAME = 100, 40
OFFSET = re.compile(r"\s*\((UTC[^)]*)\)\s*\Z")


@dataclass(frozen=True, slots=True)
class Found:
    """The zone that was meant; or none, and those that may be."""

    zone: str | None
    proposals: tuple[str, ...] = ()
    is_ambiguous: bool = False


def find(typed: str, now: datetime) -> Found:
    """What zone somebody means who typed this, or chose it when its clocks were what they are ``now`` or otherwise."""
    name = OFFSET.sub("", typed.strip()[:LONGEST])
    if zone := _names().get(name.casefold().replace(" ", "_")):
        return Found(zone)
    key = _key(name)
    zones = _places().get(key) or _of_country(key, now) if key else ()
    if len(zones) > 1 and (shown := OFFSET.search(typed)):
        zones = tuple(zone for zone in zones if _offset(zone, now) == shown[1]) or zones
    if len(zones) == 1:
        return Found(zones[0])
    if zones:
        return Found(None, zones[:MOST_PROPOSALS], is_ambiguous=True)
    return Found(None, tuple(_nearest(key)) if len(key) > 1 else ())


def current_name(zone: str) -> str:
    """The present name of a zone that may have been named otherwise; as it is where it is not known."""
    return _names().get(zone.casefold(), zone)


def label(zone: str, language: str, now: datetime) -> str:
    """A zone as it is shown: ``서울 (UTC+09:00)``, by the offset it has now; the name of one that is not known."""
    known = current_name(zone)
    if known not in _zones():
        return zone
    return known if known == UTC else _with_offset(_city(known, language), known, now)


def choices(language: str, now: datetime) -> tuple[tuple[str, str], ...]:
    """What can be chosen, in the order of the language: what is shown, and what else one may look for."""
    return _choices(language, now.replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=4)
def _choices(language: str, now: datetime) -> tuple[tuple[str, str], ...]:
    other = next(each for each in LANGUAGES if each != language)
    found = [(UTC, UTC)]
    for zone, country in _zones().items():
        if zone == UTC:
            continue
        names = [(_city(zone, language), _city(zone, other))]
        names += [(pair[language == "ko"], pair[other == "ko"]) for pair in CITIES.get(zone, ())]
        where = Locale.parse(language).territories.get(country, country)
        found += [(_with_offset(name, zone, now), f"{elsewhere} · {where}") for name, elsewhere in names]
    return tuple(sorted(dict(found).items()))


def _with_offset(name: str, zone: str, now: datetime) -> str:
    return f"{name} ({_offset(zone, now)})"


def _offset(zone: str, now: datetime) -> str:
    offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    minutes = int(offset.total_seconds() // 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _key(text: str) -> str:
    """What makes two spellings one: no case, accents, blanks or signs. Hangul falls into its letters."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


@cache
def _zones() -> dict[str, str]:
    """Every zone with the country it is in, as the database's own list says; UTC is in none."""
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    there = available_timezones()
    return {UTC: "", **{row[2]: row[0] for row in rows if row[2] in there}}


@cache
def _names() -> dict[str, str]:
    """Every name of a zone, small, and the present name of it."""
    aliases: dict[str, str] = dict(get_global("zone_aliases"))
    zones = _zones()
    of_utc = (
        "etc/utc",
        "etc/uct",
        "etc/universal",
        "etc/zulu",
        "etc/gmt",
        "uct",
        "universal",
        "zulu",
        "gmt",
        "greenwich",
    )
    found = {**dict.fromkeys(of_utc, UTC), **{zone.casefold(): zone for zone in zones}}
    # CLDR may keep the older of two names as its own, so both ways round.
    present = {aliases.get(zone, zone): zone for zone in zones}
    for name in available_timezones():
        if zone := present.get(aliases.get(name, name)):
            found.setdefault(name.casefold(), zone)
    return found


@cache
def _older() -> dict[str, tuple[str, ...]]:
    """The other names of each zone, under which CLDR may have its city."""
    found: dict[str, list[str]] = {}
    for alias, name in get_global("zone_aliases").items():
        found.setdefault(name, []).append(alias)
    return {zone: tuple(names) for zone, names in found.items()}


def _city(zone: str, language: str) -> str:
    """The city a zone is named after; CLDR says it only where that is not the end of the zone's name."""
    known = Locale.parse(language).time_zones
    for name in (zone, *_older().get(zone, ())):
        # An older name stands for the same city only where its end is another spelling, which CLDR then has a word for.
        if city := known.get(name, {}).get("city"):
            return str(city)
    return zone.rpartition("/")[2].replace("_", " ")


@cache
def _places() -> dict[str, tuple[str, ...]]:
    """The zones of each city, by the key of its name in either language, alone and with the country."""
    found: dict[str, dict[str, None]] = {}
    for zone, country in _zones().items():
        for name, where in _named(zone, country):
            found.setdefault(_key(name), {})[zone] = None
            found.setdefault(_key(name + where), {})[zone] = None
    for name, zone in _names().items():
        if "/" in name and not name.startswith(("etc/", "us/", "canada/", "mexico/", "brazil/", "chile/")):
            found.setdefault(_key(name.rpartition("/")[2]), {zone: None})
    return {key: tuple(zones) for key, zones in found.items()}


def _named(zone: str, country: str) -> Iterator[tuple[str, str]]:
    """Each name of a city of the zone, with the name of its country in the same language."""
    for at, language in enumerate(reversed(LANGUAGES)):
        where = Locale.parse(language).territories.get(country, "")
        yield _city(zone, language), where
        yield from ((pair[at], where) for pair in CITIES.get(zone, ()))
    yield zone.rpartition("/")[2], ""


@cache
def _countries() -> dict[str, str]:
    names = {
        _key(name): country
        for language in LANGUAGES
        for country, name in Locale.parse(language).territories.items()
        if country in set(_zones().values())
    }
    return {**names, **{_key(name): country for country, others in COUNTRIES.items() for name in others}}


def _of_country(key: str, now: datetime) -> tuple[str, ...]:
    """The zones of a country, one for each time that clocks there show now."""
    country = _countries().get(key)
    if not country:
        return ()
    by_offset: dict[timedelta | None, str] = {}
    for zone in (zone for zone, where in _zones().items() if where == country):
        offset = now.astimezone(ZoneInfo(zone)).utcoffset()
        # Of those that agree the one that other large cities are in, else the first that the database names.
        if zone in CITIES or offset not in by_offset:
            by_offset[offset] = zone
    return tuple(by_offset.values())


def _nearest(key: str) -> Iterable[str]:
    """The zones of cities whose names begin like it, hold it or look like it."""
    known = _places()
    key = key[:LONGEST_NAME]
    names = [
        *sorted(name for name in known if name.startswith(key)),
        *(sorted(name for name in known if key in name) if len(key) > 3 else ()),
        *difflib.get_close_matches(key, known, n=MOST_PROPOSALS, cutoff=0.75),
    ]
    return list(dict.fromkeys(zone for name in names for zone in known[name]))[:MOST_PROPOSALS]
