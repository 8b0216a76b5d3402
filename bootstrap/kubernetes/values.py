"""Value formats of the Kubernetes API: names, labels, ports, networks, schedules.

Each `bad_*` function returns why a value is invalid, or an empty string if it is valid.
"""

import ipaddress
import re
from typing import Any

from bootstrap.kubernetes.quantities import quantity as quantity

# apimachinery, pkg/util/validation.
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_LABEL = re.compile(_LABEL)
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_PERCENT = re.compile(r"[0-9]+%")


def bad_label_name(text: str) -> str:
    """Why a text is no DNS-1123 label."""
    if len(text) > 63:
        return "it is longer than 63 characters"
    return "" if _DNS_LABEL.fullmatch(text) else "lower-case letters, digits and - are allowed, - not at an end"


def bad_service_name(text: str) -> str:
    """Why a text is no DNS-1035 label."""
    if not bad_label_name(text) and not _DNS_1035.fullmatch(text):
        return "it has to begin with a letter"
    return bad_label_name(text)


def bad_subdomain(text: str) -> str:
    """Why a text is no DNS-1123 subdomain."""
    if len(text) > 253:
        return "it is longer than 253 characters"
    return (
        "" if _SUBDOMAIN.fullmatch(text) else "lower-case letters, digits, - and . are allowed, none of both at an end"
    )


def bad_path_segment(text: str) -> str:
    """Why a text can't be a part of a URL's path."""
    return "/ and % are not allowed, nor . or .. alone" if text in (".", "..") or re.search("[/%]", text) else ""


def bad_label_key(text: str) -> str:
    """Why a text is no key of a label or annotation."""
    prefix, slash, name = text.rpartition("/")
    if slash and (why := bad_subdomain(prefix)):
        return f"the part before / is no DNS name: {why}"
    if len(name) > 63:
        return "the part after / is longer than 63 characters" if slash else "it is longer than 63 characters"
    return "" if _QUALIFIED.fullmatch(name) else "letters, digits, -, _ and . are allowed, the last three not at an end"


def bad_label_value(text: str) -> str:
    """Why a text is no value of a label."""
    if len(text) > 63:
        return "it is longer than 63 characters"
    allowed = not text or _QUALIFIED.fullmatch(text)
    return "" if allowed else "letters, digits, -, _ and . are allowed, the last three not at an end"


def bad_config_key(text: str) -> str:
    """Why a text is no key of a ConfigMap or Secret."""
    if len(text) > 253:
        return "it is longer than 253 characters"
    if text in (".", "..") or text.startswith(".."):
        return "it begins with .."
    return "" if _CONFIG_KEY.fullmatch(text) else "letters, digits, -, _ and . are allowed"


def bad_variable(text: str, *, relaxed: bool) -> str:
    """Why a text is no name of an environment variable; from 1.32 on, servers are `relaxed`."""
    if relaxed:
        allowed = bool(text) and all(" " <= char <= "~" and char != "=" for char in text)
        return "" if allowed else "printable ASCII characters but = are allowed"
    return "" if _VARIABLE.fullmatch(text) else "letters, digits, -, _ and . are allowed, no digit first"


def bad_port(value: Any) -> str:
    """Why a number is no port."""
    return "" if 1 <= value <= 65535 else "a port is a number from 1 to 65535"


def bad_port_name(text: str) -> str:
    """Why a text is no name of a port (IANA_SVC_NAME)."""
    if len(text) > 15:
        return "it is longer than 15 characters"
    if not re.fullmatch(r"[-a-z0-9]+", text) or not re.search("[a-z]", text):
        return "lower-case letters, digits and - are allowed, with one letter at least"
    return "- can't stand at an end or twice in a row" if "--" in text or "-" in (text[0], text[-1]) else ""


def bad_count_or_percent(value: Any) -> str:
    """Why a value is no count and no percentage."""
    if isinstance(value, int):
        return "" if value >= 0 else "it is less than 0"
    return "" if _PERCENT.fullmatch(str(value)) else "a number or a percentage such as 25% belongs here"


def bad_network(text: str) -> str:
    """Why a text is no CIDR."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "it is no network such as 10.0.0.0/8"
    return "" if "/" in text else "the length of its prefix is missing"


_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})


def bad_schedule(text: str) -> str:
    """Why a text is no schedule of a CronJob (robfig/cron v3, ParseStandard)."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        return "the time zone belongs into timeZone"
    if text.startswith("@"):
        return "" if text in _DESCRIPTORS or text.startswith("@every ") else f"{text} is not known"
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"it has {len(parts)} fields, where 5 belong"
    for part, (name, least, most, words) in zip(parts, _FIELDS, strict=True):
        if not all(_is_cron(item, least, most, words) for item in part.split(",")):
            return f"{part} is no {name}"
    return ""


def _is_cron(part: str, least: int, most: int, words: tuple[str, ...]) -> bool:
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step[:9]) > 0):
        return False
    if span in ("*", "?"):
        return True
    begin, dash, end = span.partition("-")
    numbers = []
    for bound in (begin, end) if dash else (begin,):
        if bound.lower() in words:
            numbers.append(words.index(bound.lower()) + least)
        elif re.fullmatch("[0-9]{1,4}", bound):
            numbers.append(int(bound))
        else:
            return False
    return all(least <= number <= most for number in numbers) and numbers == sorted(numbers)
