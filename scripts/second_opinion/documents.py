"""PROTOCOL sections 3, 4, 6 and 7: facts, payload, record, and what is known of the job."""

import re
import unicodedata

from shapes import anything, at, closed, list_of, one_of, pattern, rule
from strict_json import PAYLOAD_LIMIT, Unacceptable, canonical, decode_base64url, parse_time, read

# Default_Ignorable_Code_Point of Unicode, which Python does not know.
DEFAULT_IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def is_deceptive(char):
    if char == " ":
        return False
    code = ord(char)
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp") or code == 0x2800:
        return True
    if 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE:
        return True
    return any(first <= code <= last for first, last in DEFAULT_IGNORABLE)


def is_free_text(text):
    return (
        1 <= len(text) <= 500
        and not any(map(is_deceptive, text))
        and text == text.strip(" ")
        and unicodedata.normalize("NFC", text) == text
    )


BROAD = ("latest", "*", "all", "any", "head", "tbd")


def concrete(checker):
    def check(value, path, problems):
        before = len(problems)
        checker(value, path, problems)
        if len(problems) == before and value.lower() in BROAD:
            problems.append((path, "names nothing in particular"))

    return check


DECIMAL = r"0|[1-9][0-9]{0,19}"
COMMIT = r"(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PROVIDER_NAME = r"[a-z][a-z0-9-]*:[A-Za-z0-9_][A-Za-z0-9._@+/-]*"

text = rule(is_free_text, "one line of free text")
time = rule(lambda value: parse_time(value) is not None, "a time YYYY-MM-DDTHH:MM:SSZ")
commit = pattern(COMMIT, "a full commit id")
decimal = pattern(DECIMAL, "a decimal number without leading zeros")
identity_number = pattern(f"{DECIMAL}|{UUID}|{PROVIDER_NAME}", "an id")
sha256_hex = pattern("[0-9a-f]{64}", "64 lower-case hex digits")
above_zero = pattern("[1-9][0-9]{0,8}", "a decimal number above zero")
login = pattern(r"[A-Za-z0-9_][A-Za-z0-9._@+-]*(?:\[bot\])?", "a login")
workflow = pattern(r"[!-~](?:[ -~]*[!-~])?", "printable ASCII")
service = concrete(pattern(r"@?[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*", "a service"))
environment = concrete(
    pattern(r"[A-Za-z0-9._:/%@#+=()$-](?:[A-Za-z0-9 ._:/%@#+=()$-]*[A-Za-z0-9._:/%@#+=()$-])?", "an environment")
)
target = concrete(pattern(r"[A-Za-z0-9][A-Za-z0-9._:/-]*", "a target"))
repository = pattern(
    r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*", "a path such as owner/name"
)
server = pattern(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*", "the URL of a forge"
)
digest = pattern("sha256:[0-9a-f]{64}", "sha256: and 64 hex digits")


def _is_ref(value):
    """git-check-ref-format(1), in printable ASCII."""
    parts = value.split("/")
    return (
        len(value) <= 255
        and len(parts) >= 3
        and parts[0] == "refs"
        and re.fullmatch(r"[!-~]+", value) is not None
        and not re.search(r"[\\~^:?*\[]|\.\.|@\{", value)
        and not value.endswith(".")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


ref = rule(_is_ref, "a full ref")


def _is_clean_path(value):
    return is_free_text(value) and "\\" not in value and all(p not in ("", ".", "..") for p in value.split("/"))


path_in_repository = rule(_is_clean_path, "a clean path inside the repository")

_migration = {
    "command": text,
    "files": list_of(closed({"path": path_in_repository, "sha256": sha256_hex}), least=1),
}


def _destructive(value, path, problems):
    if not isinstance(value, bool):
        problems.append((path, "must be true or false"))


def migration(value, path, problems):
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "none":
        closed({"kind": anything})(value, path, problems)
    elif kind in ("sql", "other"):
        members = {"kind": anything, "destructive": _destructive, **_migration}
        closed(members, {"statements": list_of(text, least=1)})(value, path, problems)
    else:
        where = at(path, "kind") if isinstance(value, dict) else path
        problems.append((where, "must be none, sql or other"))


facts_shape = closed(
    {
        "schema": one_of("deploy-facts/v1"),
        "service": service,
        "environment": environment,
        "repository": repository,
        "ref": ref,
        "commit": commit,
        "actor": closed(
            {"login": login, "id": identity_number, "type": one_of("agent", "human", "pipeline", "service-account")},
            {"triggered_by": login},
        ),
        "run_id": decimal,
        "run_attempt": decimal,
        "migration": migration,
        "rollback": closed(
            {"kind": one_of("version", "command", "runbook"), "value": concrete(text)},
            {"note": text},
        ),
    },
    {
        "region": target,
        "account": target,
        "tenant": target,
        "cluster": target,
        "server": server,
        "repository_id": identity_number,
        "left_out": closed({"count": above_zero, "sha256": sha256_hex}),
        "digest": digest,
        "workflow": workflow,
        "workflow_sha": commit,
    },
)

SECRETS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
    r"|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,}"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50,}|\bglpat-[A-Za-z0-9_-]{20}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bxox[abpr]-[A-Za-z0-9-]{10,}|\bsk_live_[A-Za-z0-9]{16,}|\bnpm_[A-Za-z0-9]{36}"
    r"|(?:[Pp]ass[Ww](?:or)?d|PASSW(?:OR)?D|[Pp]assphrase|PASSPHRASE)=[\"']?"
    r"(?![$<{%*]|secret:|[A-Z][A-Z0-9_]*(?![A-Za-z0-9_]))[^\s\"'&]{4}"
    r"|://[^\s/:@]{0,200}:(?![$<{%*]|secret:|[A-Z][A-Z0-9_]*(?![A-Za-z0-9_]))[^\s/@]{4,200}@"
)


def _secrets(value, path, problems):
    if isinstance(value, str):
        if SECRETS.search(value):
            problems.append((path, "looks like a secret"))
    elif isinstance(value, dict):
        for name, member in value.items():
            _secrets(member, at(path, name), problems)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            _secrets(member, at(path, index), problems)


def _between_facts(facts, path, problems):
    """The rules between values."""
    rollback, moved = facts.get("rollback"), facts.get("migration")
    goal = rollback.get("value") if isinstance(rollback, dict) else None
    if isinstance(goal, str) and isinstance(facts.get("commit"), str):
        if re.fullmatch("[0-9a-f]{7,}", goal.lower()) and facts["commit"].startswith(goal.lower()):
            problems.append((at(path, "rollback.value"), "is the commit that is deployed"))
    if not isinstance(moved, dict):
        return
    kind, destroys = moved.get("kind"), moved.get("destructive")
    if kind == "other" and destroys is False:
        problems.append((at(path, "migration.destructive"), "must be true for this kind"))
    if kind == "sql" and destroys is False and "statements" in moved:
        problems.append((at(path, "migration.statements"), "must be absent: nothing is destructive"))
    seen = set()
    files = moved.get("files")
    for index, file in enumerate(files if isinstance(files, list) else []):
        name = file.get("path") if isinstance(file, dict) else None
        if name in seen and name is not None:
            problems.append((at(path, f"migration.files[{index}].path"), "stands twice"))
        seen.add(name)


def check_facts(value, path=""):
    problems = []
    facts_shape(value, path, problems)
    if isinstance(value, dict):
        _between_facts(value, path, problems)
    _secrets(value, path, problems)
    return problems


payload_shape = closed(
    {
        "schema": one_of("deploy-approval/v1"),
        "request_id": pattern("[0-9a-f]{32}", "32 lower-case hex digits"),
        "facts": facts_shape,
        "requested_at": time,
        "expires_at": time,
        "context": closed(
            {},
            {
                "reason": text,
                "changes": closed(
                    {
                        "commits": list_of(closed({"commit": commit, "subject": text, "author": text}), most=20),
                    },
                    {
                        "since": commit,
                        "deployed_at": time,
                        "more": above_zero,
                        "incomplete": lambda value, path, problems: (
                            None if value is True else problems.append((path, "must be true"))
                        ),
                    },
                ),
            },
        ),
    }
)


def check_payload(value):
    problems = []
    payload_shape(value, "", problems)
    _secrets(value, "", problems)
    if not isinstance(value, dict):
        return problems
    if isinstance(value.get("facts"), dict):
        _between_facts(value["facts"], "facts", problems)
    begin, end = parse_time(value.get("requested_at")), parse_time(value.get("expires_at"))
    if begin is not None and end is not None and end <= begin:
        problems.append(("expires_at", "must be later than requested_at"))
    context = value.get("context")
    changes = context.get("changes") if isinstance(context, dict) else None
    if isinstance(changes, dict) and "deployed_at" in changes and "since" not in changes:
        problems.append(("context.changes.deployed_at", "must stand beside since"))
    return problems


def read_payload(payload_text):
    """The payload of a text that has to be its own canonical form, or its problems."""
    data = payload_text.encode("utf-8", "surrogatepass")
    try:
        value = read(data, PAYLOAD_LIMIT)
    except Unacceptable as error:
        return None, [("", str(error))]
    problems = check_payload(value)
    if not problems and canonical(value) != data:
        problems.append(("", "is not in its canonical form"))
    return (None, problems) if problems else (value, [])


def base64url(most_bytes, exact=None):
    longest = (most_bytes * 4 + 2) // 3

    def is_it(value):
        if not re.fullmatch("[A-Za-z0-9_-]+", value) or len(value) > longest:
            return False
        return exact is None or (decode_base64url(value) is not None and len(decode_base64url(value)) == exact)

    return rule(is_it, "base64url without padding")


assertion_shape = closed(
    {
        "id": base64url(1023),
        "rawId": base64url(1023),
        "type": one_of("public-key"),
        "response": closed(
            {
                "clientDataJSON": base64url(8192),
                "authenticatorData": base64url(4096),
                "signature": base64url(2048),
            },
            {"userHandle": base64url(64)},
        ),
        "clientExtensionResults": closed({}),
    },
    {"authenticatorAttachment": one_of("platform", "cross-platform")},
)

short = rule(lambda value: 1 <= len(value) <= 255, "1 to 255 characters")

record_shape = closed(
    {
        "schema": one_of("approval-record/v1"),
        "payload": rule(lambda value: len(value) >= 2, "a text"),
        "payload_hash": sha256_hex,
        "assurance": one_of("signature", "service"),
        "redemption": closed(
            {"state": one_of("pending", "redeemed", "run", "service")},
            {"redeemed_at": time, "run_id": decimal, "run_attempt": decimal, "job": short},
        ),
        "decisions": list_of(
            closed(
                {
                    "id": pattern(UUID, "a UUID"),
                    "approver": short,
                    "decision": one_of("approved", "rejected"),
                    "decided_at": time,
                },
                {"nonce": base64url(32, exact=32), "assertion": assertion_shape},
            ),
            least=1,
            most=100,
        ),
    },
    {"policy_sha256": sha256_hex},
)


def check_record(value):
    problems = []
    record_shape(value, "", problems)
    if not problems:
        ids = [decision["id"] for decision in value["decisions"]]
        if len(set(ids)) != len(ids):
            problems.append(("decisions", "names the same confirmation twice"))
    return problems


words = rule(lambda value: len(value) <= 1000, "at most 1000 characters")

circumstances_shape = closed(
    {"provider": one_of("github", "gitlab", "local")},
    {
        "trigger": short,
        "runner": short,
        "event_commit": commit,
        "identity": closed({"issuer": short, "attested": list_of(short, most=100)}, {"job_workflow_ref": workflow}),
        "last_deploy": closed({"commit": commit, "redeemed_at": short, "payload_hash": sha256_hex}),
        "commit_authors": list_of(closed({"name": words, "email": words}), most=1000),
        "new_migrations": list_of(path_in_repository, most=1000),
    },
)


def check_circumstances(value):
    problems = []
    circumstances_shape(value, "", problems)
    return problems
