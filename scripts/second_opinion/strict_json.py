"""PROTOCOL section 2: one strict reader of JSON, the canonical form of RFC 8785, base64url and times."""

import base64
import datetime
import hashlib
import json
import re

PAYLOAD_LIMIT = 65_536
DOCUMENT_LIMIT = 262_144
CLIENT_DATA_LIMIT = 8_192
MAX_DEPTH = 8
SAFE_INTEGER = 2**53 - 1


class Unacceptable(Exception):
    """These bytes are no JSON that every reader reads alike."""


def read(data, limit):
    """The value of the bytes. Objects are dicts, whose order nobody looks at. Raises Unacceptable."""
    if len(data) > limit:
        raise Unacceptable(f"{len(data)} bytes, the limit is {limit}")
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise Unacceptable("not UTF-8") from None
    if text.startswith("\ufeff"):
        raise Unacceptable("a byte order mark")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise Unacceptable("nested too deep") from None
    except ValueError as error:
        raise Unacceptable(str(error)) from None
    _look_inside(value, 0)
    return value


def _members(pairs):
    members = {}
    for name, value in pairs:
        if name in members or name == "__proto__":
            raise Unacceptable(f"the member name {name!r} stands twice or is not allowed")
        members[name] = value
    return members


def _whole(text):
    number = int(text) if len(text) < 400 else SAFE_INTEGER + 1
    if abs(number) > SAFE_INTEGER:
        raise Unacceptable("a whole number beyond 2^53 - 1")
    return number


def _fraction(text):
    number = float(text)
    digits = re.split("[eE]", text)[0]
    if number in (float("inf"), float("-inf")) or (number == 0 and re.search("[1-9]", digits)):
        raise Unacceptable("a number that a double cannot hold")
    if number.is_integer() and abs(number) > SAFE_INTEGER:
        raise Unacceptable("a whole number beyond 2^53 - 1")
    return number


def _no_constant(text):
    raise Unacceptable(f"{text} is no JSON")


def _look_inside(value, depth):
    if isinstance(value, (dict, list)):
        if depth == MAX_DEPTH:
            raise Unacceptable(f"nested deeper than {MAX_DEPTH}")
        children = list(value.values()) + list(value) if isinstance(value, dict) else value
        for child in children:
            _look_inside(child, depth + 1)
    elif isinstance(value, str) and any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise Unacceptable("a lone surrogate")


def canonical(value):
    """The RFC 8785 form as bytes, for values without fractions."""
    return _form(value).encode("utf-8")


def _form(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_form(name)}:{_form(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_form, value)) + "]"
    if isinstance(value, float):
        if not value.is_integer():
            raise Unacceptable("a fraction has no place in these documents")
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def decode_base64url(text):
    """The bytes, or None where the text is not exactly what encoding them gives."""
    if not re.fullmatch("[A-Za-z0-9_-]*", text):
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return data if encode_base64url(data) == text else None


def encode_base64url(data):
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def parse_time(text):
    """Seconds since 1970 of exactly YYYY-MM-DDTHH:MM:SSZ, or None."""
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", text):
        return None
    try:
        moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return None
    if moment.second > 59:
        return None
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()
