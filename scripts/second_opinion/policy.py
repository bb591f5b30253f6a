"""PROTOCOL section 8: the policy, its faults, and the rule of one environment and service."""

import re
import urllib.parse

from documents import environment, text, time
from keys import key_problem
from shapes import anything, at, boolean, closed, count, list_of, map_of, one_of, pattern, rule
from strict_json import decode_base64url, parse_time

NAME = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}"
name = pattern(NAME, "a user name")
identifier = pattern(r"[A-Za-z0-9_][A-Za-z0-9._:@/+\[\]-]{0,254}", "an identifier")
email = pattern(r"[!-?A-~]+@[!-?A-~]+", "an e-mail address", longest=254)
trigger = pattern("[a-z][a-z0-9_]{0,99}", "the name of an event")


def _is_glob(value):
    parts = value.split("/")
    return (
        1 <= len(value) <= 255
        and not re.search(r"[\[\]{}()!\\]", value)
        and all(part not in ("", ".", "..") for part in parts)
        and all(part == "**" or "**" not in part for part in parts)
    )


glob = rule(_is_glob, "a glob of *, ? and **")
ref_glob = rule(lambda value: _is_glob(value) and value.startswith("refs/"), "a glob that begins with refs/")


def base64url(most_bytes):
    longest = (most_bytes * 4 + 2) // 3
    return rule(
        lambda value: 1 <= len(value) <= longest and decode_base64url(value) is not None,
        "the plain base64url of its bytes",
    )


OPTIONAL_FACTS = (
    "repository_id", "server", "workflow", "workflow_sha", "region", "account", "tenant", "cluster", "digest",
    "rollback.note",
)  # fmt: skip

RULE = {
    "quorum": count,
    "quorum_if_destructive": count,
    "groups": map_of(
        anything,
        closed({"people": list_of(name, least=1)}, {"quorum": count, "quorum_if_destructive": count}),
    ),
    "max_age_minutes": count,
    "self_approval": boolean,
    "not_by_commit_authors": boolean,
    "rerun": one_of("never", "same_run"),
    "redemption": one_of("required", "run"),
    "require_oidc": boolean,
    "required_facts": list_of(one_of(*OPTIONAL_FACTS)),
    "migration_paths": list_of(glob, least=1),
    "refs": list_of(ref_glob, least=1),
    "workflows": list_of(glob, least=1),
    "triggers": list_of(trigger, least=1),
    "runners": list_of(one_of("github-hosted", "gitlab-hosted", "self-hosted"), least=1),
    "other_commit": boolean,
    "pull_request": boolean,
    "no_deploys": list_of(closed({"from": time, "to": time, "reason": text}), least=1),
    "assurance": one_of("signature", "service"),
}
approver_names = list_of(name, least=1)
service_rule = closed({}, {**RULE, "approvers": approver_names})
environment_rule_shape = closed({"approvers": approver_names}, {**RULE, "services": map_of(anything, service_rule)})

account = closed(
    {"provider": identifier, "id": identifier, "login": identifier}, {"emails": list_of(email, least=1)}
)

policy_shape = closed(
    {
        "schema": one_of("approval-policy/v1"),
        "relying_party": closed({"id": rule(bool, "a host"), "origin": rule(bool, "an origin")}),
        "approvers": map_of(
            name,
            closed(
                {
                    "accounts": list_of(account),
                    "passkeys": list_of(
                        closed(
                            {
                                "id": base64url(1023),
                                "algorithm": one_of("ES256", "EdDSA", "RS256"),
                                "public_key": rule(lambda value: 1 <= len(value) <= 4096, "a public key"),
                            },
                            {"user_handle": base64url(64)},
                        ),
                        least=1,
                    ),
                }
            ),
        ),
        "environments": map_of(environment, environment_rule_shape),
    },
    {
        "issuers": list_of(
            closed({"provider": one_of("github", "gitlab"), "issuer": rule(bool, "an issuer")}), least=1
        )
    },
)


def check_policy(value):
    """Every fault as (path, message). An empty list: the policy is acceptable."""
    problems = []
    policy_shape(value, "", problems)
    if not isinstance(value, dict):
        return problems
    for part in ("approvers", "environments"):
        if value.get(part) == {}:
            problems.append((part, "must name at least one"))
    _relying_party(value.get("relying_party"), problems)
    accounts = _people(value.get("approvers"), problems)
    _issuers(value.get("issuers"), problems)
    faulty = {path for path, _ in problems}
    for place, written in _rules(value.get("environments")):
        sound = {key: member for key, member in written.items() if not _touched(at(place, key), faulty)}
        _rule_faults(sound, place, accounts, problems)
    return problems


def _touched(path, faulty):
    return any(one == path or one.startswith(path + ".") or one.startswith(path + "[") for one in faulty)


def _dicts(value):
    return [(k, v) for k, v in value.items() if isinstance(v, dict)] if isinstance(value, dict) else []


def _lists(value):
    return list(enumerate(value)) if isinstance(value, list) else []


def _rules(environments):
    for place, written in _dicts(environments):
        path = f"environments.{place}"
        general = {key: member for key, member in written.items() if key != "services"}
        services = _dicts(written.get("services"))
        yield path, general
        for own_name, own in services:
            yield f"{path}.services.{own_name}", {**general, **own}


def _relying_party(party, problems):
    if not isinstance(party, dict) or not all(isinstance(party.get(key), str) for key in ("id", "origin")):
        return
    url = _url(party["origin"])
    host = url.hostname if url else None
    name_form = r"([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*"
    if url is None or party["origin"] != _origin(url) or not re.fullmatch(name_form, host or ""):
        problems.append(("relying_party.origin", "must be an origin with a domain name"))
        return
    local = _is_local(host)
    if url.scheme != "https" and not (url.scheme == "http" and local):
        problems.append(("relying_party.origin", "must be https, or http for localhost"))
    above = host.endswith("." + party["id"]) and re.fullmatch(name_form, party["id"])
    if party["id"] != host and not (above and ("." in party["id"] or local)):
        problems.append(("relying_party.id", "must be the host of the origin, or a domain that it is in"))


def _url(value):
    try:
        url = urllib.parse.urlsplit(value)
        url.port  # noqa: B018 - raises for a port that is no number
        return url if url.scheme and url.hostname else None
    except ValueError:
        return None


def _origin(url):
    usual = {"https": 443, "http": 80}.get(url.scheme)
    port = "" if url.port in (None, usual) else f":{url.port}"
    return f"{url.scheme}://{url.hostname}{port}"


def _is_local(host):
    return host == "localhost" or host.endswith(".localhost")


def _issuers(issuers, problems):
    seen = set()
    for index, one in _lists(issuers):
        issuer = one.get("issuer") if isinstance(one, dict) else None
        if not isinstance(issuer, str):
            continue
        url = _url(issuer)
        plain = url is not None and _origin(url) + url.path == issuer and not issuer.endswith("/")
        local = url is not None and (_is_local(url.hostname) or url.hostname == "127.0.0.1")
        if not plain or not (url.scheme == "https" or (url.scheme == "http" and local)) or issuer in seen:
            problems.append((f"issuers[{index}].issuer", "must be an issuer's address, once"))
        seen.add(issuer)


def _people(people, problems):
    """The accounts of each person; along the way what one person may not share with another."""
    accounts = {}
    once = {"id": {}, "key": {}, "account": {}, "login": {}}
    owners = {"handle": {}, "email": {}}

    def unique(kind, value, path):
        if value in once[kind]:
            problems.append((path, f"is the same as at {once[kind][value]}"))
        once[kind].setdefault(value, path)

    def owned(kind, value, person, path):
        if owners[kind].setdefault(value, person) != person:
            problems.append((path, "is another person's"))

    for person, entry in _dicts(people):
        accounts[person] = []
        for index, one in _lists(entry.get("accounts")):
            path = f"approvers.{person}.accounts[{index}]"
            wrong = []
            account(one, path, wrong)
            if wrong:
                accounts[person].append({})
                continue
            accounts[person].append(one)
            unique("account", (one["provider"], one["id"]), f"{path}.id")
            unique("login", (one["provider"], one["login"].lower()), f"{path}.login")
            for number, address in _lists(one.get("emails")):
                owned("email", address.lower(), person, f"{path}.emails[{number}]")
        for index, passkey in _lists(entry.get("passkeys")):
            path = f"approvers.{person}.passkeys[{index}]"
            if not isinstance(passkey, dict) or passkey.get("algorithm") not in ("ES256", "EdDSA", "RS256"):
                continue
            if isinstance(passkey.get("public_key"), str):
                fault = key_problem(passkey["algorithm"], passkey["public_key"])
                if fault:
                    problems.append((f"{path}.public_key", fault))
                unique("key", passkey["public_key"], f"{path}.public_key")
            if isinstance(passkey.get("id"), str):
                unique("id", passkey["id"], f"{path}.id")
            if isinstance(passkey.get("user_handle"), str):
                owned("handle", passkey["user_handle"], person, f"{path}.user_handle")
    return accounts


def _rule_faults(written, path, accounts, problems):
    names = written.get("approvers")
    people = set(names or [])
    for index, one in enumerate(names or []):
        where = f"{path}.approvers[{index}]"
        if one in names[:index]:
            problems.append((where, "stands twice"))
        elif one not in accounts:
            problems.append((where, "is not among the approvers"))
    for one in sorted(people & accounts.keys()):
        if not accounts[one] and written.get("self_approval") is not True:
            problems.append((f"approvers.{one}.accounts", "must name an account, or self-approval cannot be seen"))
        if written.get("not_by_commit_authors") is True and not any("emails" in a for a in accounts[one]):
            problems.append((f"approvers.{one}.accounts", "must give the addresses of commits"))
    if names is not None:
        _counts(written, people, path, problems)
    groups = written.get("groups", {})
    for group, one in groups.items():
        place = f"{path}.groups.{group}"
        for index, person in enumerate(one["people"]):
            if person in one["people"][:index] or (names is not None and person not in people):
                problems.append((f"{place}.people[{index}]", "must be one of the rule's approvers, once"))
        _counts(one, set(one["people"]), place, problems)
    more = any("quorum_if_destructive" in one for one in [written, *groups.values()])
    if more and "migration_paths" not in written:
        problems.append((f"{path}.migration_paths", "is missing: quorum_if_destructive needs it"))
    if "pull_request" in written.get("triggers", []) and written.get("pull_request") is not True:
        problems.append((f"{path}.triggers", "names pull_request, which the rule refuses"))
    for index, frozen in enumerate(written.get("no_deploys", [])):
        if not parse_time(frozen["from"]) < parse_time(frozen["to"]):
            problems.append((f"{path}.no_deploys[{index}].to", "must be later than from"))


def _counts(numbers, people, path, problems):
    for key in ("quorum", "quorum_if_destructive"):
        if key in numbers and numbers[key] > len(people):
            problems.append((f"{path}.{key}", "asks for more people than are named"))
    if numbers.get("quorum_if_destructive", 10**9) < numbers.get("quorum", 1):
        problems.append((f"{path}.quorum_if_destructive", "must not be below the quorum"))


def rule_for(policy, facts):
    """The rule of exactly this environment and service with its defaults, or None."""
    written = policy["environments"].get(facts["environment"])
    if written is None:
        return None
    own = {}
    if "services" in written:
        if facts["service"] not in written["services"]:
            return None
        own = written["services"][facts["service"]]
    found = {key: member for key, member in {**written, **own}.items() if key != "services"}
    quorum = found.get("quorum", 1)
    defaults = {
        "quorum": 1,
        "quorum_if_destructive": quorum,
        "groups": {},
        "max_age_minutes": 60,
        "self_approval": False,
        "not_by_commit_authors": False,
        "rerun": "never",
        "redemption": "required",
        "require_oidc": None,
        "required_facts": [],
        "migration_paths": None,
        "refs": None,
        "workflows": None,
        "triggers": None,
        "runners": None,
        "other_commit": False,
        "pull_request": False,
        "no_deploys": [],
        "assurance": "signature",
    }
    return {**defaults, **found}


def matches(glob_text, value):
    """`*` and `?` within a name, `**` for any number of names; at the end for one or more."""
    levels = glob_text.split("/")
    if levels[-1] == "**":
        levels.append("*")
    return _match_levels(levels, value.split("/"))


def _match_levels(levels, names):
    if not levels:
        return not names
    if levels[0] == "**":
        return any(_match_levels(levels[1:], names[skip:]) for skip in range(len(names)))
    if not names:
        return False
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in levels[0])
    return re.fullmatch(expression, names[0], re.DOTALL) is not None and _match_levels(levels[1:], names[1:])
