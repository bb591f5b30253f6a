"""A small language for the shape of closed documents: a checker takes (value, path, problems) and adds what is wrong."""

import re


def at(path, part):
    """A path as PROTOCOL writes it: migration.files[0].path."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path else part


def closed(required, optional=None):
    """An object with these members and no others."""
    optional = optional or {}

    def check(value, path, problems):
        if not isinstance(value, dict):
            problems.append((path, "must be an object"))
            return
        for name in value:
            if name not in required and name not in optional:
                problems.append((at(path, name), "is not a member of this format"))
        for name, checker in required.items():
            if name in value:
                checker(value[name], at(path, name), problems)
            else:
                problems.append((at(path, name), "is missing"))
        for name, checker in optional.items():
            if name in value:
                checker(value[name], at(path, name), problems)

    return check


def list_of(checker, least=0, most=None):
    def check(value, path, problems):
        if not isinstance(value, list):
            problems.append((path, "must be a list"))
            return
        if len(value) < least or (most is not None and len(value) > most):
            problems.append((path, "has too few or too many members"))
        for index, member in enumerate(value):
            checker(member, at(path, index), problems)

    return check


def map_of(name_checker, checker):
    def check(value, path, problems):
        if not isinstance(value, dict):
            problems.append((path, "must be an object"))
            return
        for name, member in value.items():
            name_checker(name, at(path, name), problems)
            checker(member, at(path, name), problems)

    return check


def one_of(*choices):
    def check(value, path, problems):
        if not isinstance(value, str) or value not in choices:
            problems.append((path, f"must be one of {choices}"))

    return check


def rule(predicate, what):
    """A string for which the predicate holds."""

    def check(value, path, problems):
        if not isinstance(value, str) or not predicate(value):
            problems.append((path, f"must be {what}"))

    return check


def pattern(expression, what, longest=255):
    compiled = re.compile(expression)
    return rule(lambda text: len(text) <= longest and compiled.fullmatch(text) is not None, what)


def boolean(value, path, problems):
    if not isinstance(value, bool):
        problems.append((path, "must be true or false"))


def count(value, path, problems):
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)
    if not whole or value < 1:
        problems.append((path, "must be a whole number of at least 1"))


def anything(_value, _path, _problems):
    pass
