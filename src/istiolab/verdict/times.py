"""Dates with a time in the usual forms, and numbers that a field says are times: patterns."""

from __future__ import annotations

import re

from istiolab.verdict.tokens import Identities, Rule, alike, whole

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M)?"
_OFFSET = r"[+-]\d\d(?::?\d\d)?"
_ZONE = rf"(?:{_OFFSET}|[A-Z]{{3,5}})"
_YEAR = r"(?:19|20)\d\d"
_ISO = (
    rf"\b\d{{4}}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
    rf"(?:[Zz]| ?{_OFFSET})?(?: UTC)?(?![\d-])"
)
# With the locale `de`: `Fr 28. Nov 21:40:01 UTC 2025`.
_GERMAN = (
    r"\b(?:Mo|Di|Mi|Do|Fr|Sa|So)\.?,? \d{1,2}\. [^\W\d_]{3,9}\.? "
    rf"(?:{_YEAR},? )?{_CLOCK}(?: {_ZONE})?(?: {_YEAR})?\b"
)
# With the locales `zh_TW` and `zh_CN`: `2025年11月28日 (週五) 21時40分01秒 UTC`.
_CHINESE = (
    rf"\b{_YEAR}年 ?\d{{1,2}}月 ?\d{{1,2}}日 ?(?:\(?(?:週|星期|周).\)? ?)?(?:[上下]午 ?)?"
    rf"(?:{_CLOCK}|\d\d[時时]\d\d分\d\d秒)(?: {_ZONE})?"
)
# Names of fields and columns whose number is a time; `iat`, `exp`, `nbf` are RFC 7519's.
_NAME = (
    r"(?:(?i:(?:[\w.-]*[_.-])?(?:ts|time|timestamp|epoch|iat|exp|nbf)|[\w.-]*_at)"
    r"|[\w.-]*[a-z](?:Time(?:stamp)?|At))"
)
_EPOCH = r"1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?|1\.\d+e\+?0?9"


def mask_epoch(name: str, value: str, identities: Identities) -> str | None:
    """Return the token of a number that its field's name says is a time; None: it is none."""
    if re.fullmatch(_NAME, name) and re.fullmatch(_EPOCH, value):
        return identities.token("time", value)
    return None


def _epoch(found: re.Match[str], identities: Identities) -> str:
    return f"{found['before']}{identities.token('time', found['epoch'])}"


TIMES: tuple[Rule, ...] = (
    Rule(
        name="times: ISO 8601, as Go, Python and SQL write it, too",
        pattern=re.compile(rf"{_ISO}|\b\d{{8}}T\d{{6}}(?:\.\d+)?(?:Z|[+-]\d{{4}})?\b"),
        replace=whole("time"),
    ),
    Rule(
        # RFC 9110, 5.6.7, with a cookie's form; RFC 3164, 4.1.2 for syslog.
        name="times to the second: HTTP, the common log format, logs of nginx and Go, syslog",
        pattern=re.compile(
            rf"\b{_WEEKDAY}, \d\d[ -]{_MONTH}[ -]\d{{2,4}} \d\d:\d\d:\d\d GMT"
            rf"|\b\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}}"
            rf"|\b\d{{4}}/\d\d/\d\d {_CLOCK}(?![\d:])"
            rf"|(?<!\w )\b{_MONTH} [ \d]\d {_CLOCK}(?![\d:])(?! (?:{_ZONE} )?{_YEAR}\b)"
        ),
        replace=alike("time"),
    ),
    Rule(
        name="times: RFC 1123 and 5322, `date`, openssl, klog",
        pattern=re.compile(
            rf"\b(?:{_WEEKDAY},? )?\d{{1,2}} {_MONTH} {_YEAR} {_CLOCK}(?: {_ZONE}\b)?"
            rf"|\b(?:{_WEEKDAY} )?{_MONTH} +\d{{1,2}} {_CLOCK}(?: {_ZONE})? {_YEAR}\b(?: GMT| UTC)?"
            rf"|{_GERMAN}|{_CHINESE}"
            r"|(?<=\b[IWEF])(?:0\d|1[0-2])[0-3]\d \d\d:\d\d:\d\d\.\d+"
        ),
        replace=whole("time"),
    ),
    Rule(
        name="seconds since 1970, or parts of one, where a field or a metric's name says so",
        pattern=re.compile(
            rf"(?P<before>(?<![\w.-]){_NAME}[\"']?(?: ?: ?| ?= ?)[\"']?"
            r"|\b\w*_(?:time|timestamp)(?:_seconds)?(?:\{[^}]*\})? )"
            rf"(?P<epoch>{_EPOCH})(?![\w.-])"
        ),
        replace=_epoch,
    ),
)
"""In the order in which they are tried."""
