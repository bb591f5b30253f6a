"""PROTOCOL section 10: the conclusion from evidence. Every check in its order; the first refusal is the reason code."""

import hashlib
import re

from documents import check_circumstances, check_facts, check_record, read_payload
from keys import verifies
from policy import check_policy, matches, rule_for
from strict_json import (
    CLIENT_DATA_LIMIT,
    Unacceptable,
    canonical,
    decode_base64url,
    encode_base64url,
    parse_time,
    read,
    sha256,
)

ALLOWANCE = 60
PROPOSED_CHANGES = ("pull_request", "merge_request_event", "external_pull_request_event")


def objections(policy, record, final_facts, now, assurance="signature", step="verify", circumstances=None):
    """Yields (reason code, sentence) for everything that speaks against this approval; nothing: it is approved. `now` in seconds."""
    if policy is not None:
        faults = check_policy(policy)
        if faults:
            yield "configuration", f"the policy is not acceptable: {_list(faults)}"
            return
    for what, faults, code in (
        ("the record", check_record(record), "payload_invalid"),
        ("the final facts", check_facts(final_facts), "payload_invalid"),
        ("what is known of the job", [] if circumstances is None else check_circumstances(circumstances), "configuration"),
    ):
        if faults:
            yield code, f"{what} is not acceptable: {_list(faults)}"
            return
    if any(decision["decision"] == "rejected" for decision in record["decisions"]):
        yield "rejected", "somebody rejected it"
    payload, faults = read_payload(record["payload"])
    if faults:
        yield "payload_invalid", f"the payload is not acceptable: {_list(faults)}"
        return
    payload_hash = sha256(record["payload"].encode("utf-8"))
    rule = rule_for(policy, final_facts) if policy else None
    known = circumstances or {}

    yield from _facts(payload["facts"], final_facts, rule)
    yield from _policy(policy, rule, record, final_facts, assurance)
    yield from _job(rule, final_facts, known, now)
    yield from _changes(rule, final_facts, known)
    if record["payload_hash"] != payload_hash:
        yield "payload_invalid", "payload_hash is not the hash of the payload"
    people = set()
    if assurance == "signature" and policy is not None and rule is not None:
        for decision in record["decisions"]:
            if decision["decision"] == "approved":
                wrong = list(_decision(decision, policy, rule, payload_hash, [payload["facts"], final_facts], known))
                yield from wrong
                if not wrong:
                    people.add(decision["approver"])
    yield from _times(payload, record["decisions"], now, rule)
    if assurance == "signature":
        yield from _quorums(rule, final_facts, people)
    yield from _redemption(rule, record, final_facts, assurance, step)


def verdict(policy, record, final_facts, now, **options):
    """(reason code, approvers)."""
    first = next(objections(policy, record, final_facts, now, **options), None)
    if first is not None:
        return first[0], []
    return "approved", list(dict.fromkeys(decision["approver"] for decision in record["decisions"]))


def _list(faults):
    return "; ".join(f"{path} {message}".strip() for path, message in faults)


def differences(signed, final, path=""):
    """Every path at which two documents differ, as (path, signed, final), members by name, lists by position. None: absent."""
    sides = [side for side in (signed, final) if side is not None]
    if all(isinstance(side, dict) for side in sides):
        for name in sorted(set().union(*sides), key=lambda one: one.encode("utf-16-be")):
            where = f"{path}.{name}" if path else name
            left, right = (None if side is None else side.get(name) for side in (signed, final))
            yield from differences(left, right, where)
    elif all(isinstance(side, list) for side in sides):
        for index in range(max(map(len, sides))):
            left, right = (side[index] if side and index < len(side) else None for side in (signed, final))
            yield from differences(left, right, f"{path}[{index}]")
    elif type(signed) is not type(final) or signed != final:
        yield path, _leaf(signed), _leaf(final)


def _leaf(value):
    return value if value is None or isinstance(value, str) else canonical(value).decode("utf-8")


def _facts(signed, final, rule):
    found = [path for path, _, _ in differences(signed, final)]
    later = int(final["run_attempt"]) > int(signed["run_attempt"])
    only_attempt = all(path in ("run_attempt", "actor.triggered_by") for path in found)
    if found and not (later and only_attempt and rule is not None and rule["rerun"] == "same_run"):
        yield "facts_mismatch", f"signed and final facts differ: {', '.join(found)}"


def _policy(policy, rule, record, facts, assurance):
    if record["assurance"] != assurance:
        yield "configuration", "the record was made with another assurance"
    if policy is None:
        if assurance == "signature":
            yield "configuration", "without a policy no signature can be trusted"
        return
    if rule is None:
        yield "configuration", "the policy has no rule for this environment and service"
        return
    if assurance == "service" and rule["assurance"] != "service":
        yield "configuration", "the policy asks for signatures"
    if record.get("policy_sha256", sha256(canonical(policy))) != sha256(canonical(policy)):
        yield "configuration", "the record was made under another policy"
    missing = [path for path in rule["required_facts"] if not _has(facts, path.split("."))]
    if missing:
        yield "payload_invalid", f"facts that the policy requires are missing: {', '.join(missing)}"


def _has(value, names):
    return not names or (isinstance(value, dict) and names[0] in value and _has(value[names[0]], names[1:]))


def _job(rule, facts, known, now):
    trigger = known.get("trigger")
    if trigger in PROPOSED_CHANGES and not (rule and rule["pull_request"]):
        yield "configuration", f"started by {trigger}, which the policy does not allow"
    if rule is None:
        return
    workflow = known.get("identity", {}).get("job_workflow_ref", facts.get("workflow"))
    for member, value, fits in (
        ("triggers", trigger, str.__eq__),
        ("refs", facts["ref"], matches),
        ("workflows", workflow, matches),
        ("runners", known.get("runner"), str.__eq__),
    ):
        if rule[member] is not None and not (value is not None and any(fits(one, value) for one in rule[member])):
            yield "configuration", f"{value} is not among the {member} of the policy"
    event = known.get("event_commit")
    if event is not None and event != facts["commit"] and not rule["other_commit"]:
        yield "configuration", "deploys another commit than that of the event"
    for frozen in rule["no_deploys"]:
        if parse_time(frozen["from"]) <= now < parse_time(frozen["to"]):
            yield "configuration", f"nothing is deployed until {frozen['to']}"
            break
    required = rule["require_oidc"]
    if required is None:
        required = known.get("provider", "github") == "github"
    if required and "identity" not in known:
        yield "configuration", "no token attests the identity of the job"


def _changes(rule, facts, known):
    if rule is None:
        return
    if rule["migration_paths"] is not None:
        files = [file["path"] for file in facts["migration"].get("files", [])]
        forgotten = [path for path in known.get("new_migrations", []) if path not in files]
        if "new_migrations" not in known or forgotten:
            yield "configuration", f"new migrations are not run or not known: {', '.join(forgotten)}"
    if rule["not_by_commit_authors"] and "commit_authors" not in known:
        yield "configuration", "the authors of the commits are not known"


def _decision(decision, policy, rule, payload_hash, requested_by, known):
    who, assertion = decision["approver"], decision.get("assertion")
    if assertion is None:
        yield "evidence_invalid", f"{who} gave no signature"
        return
    for problem in _ceremony(decision, assertion, policy["relying_party"], payload_hash):
        yield "evidence_invalid", f"{who}'s signature: {problem}"
    pinned = [
        (person, entry["accounts"], passkey)
        for person, entry in policy["approvers"].items()
        for passkey in entry["passkeys"]
        if passkey["id"] == assertion["id"]
    ]
    if not pinned:
        yield "approver_untrusted", f"{who}'s passkey is not in the policy"
        return
    person, accounts, passkey = pinned[0]
    if person != who:
        yield "approver_untrusted", f"the passkey is {person}'s and not {who}'s"
    elif who not in rule["approvers"]:
        yield "approver_untrusted", f"{who} may not approve here"
    elif not rule["self_approval"] and any(_is_requester(accounts, facts["actor"]) for facts in requested_by):
        yield "self_approval", f"{who} asked for this deploy"
    elif rule["not_by_commit_authors"] and _is_author(accounts, known.get("commit_authors", [])):
        yield "self_approval", f"{who} wrote commits of this deploy"
    handle = assertion["response"].get("userHandle")
    if handle is not None and passkey.get("user_handle", handle) != handle:
        yield "evidence_invalid", f"{who}'s passkey is of another user"
        return
    response = assertion["response"]
    parts = [decode_base64url(response[name]) for name in ("authenticatorData", "clientDataJSON", "signature")]
    if None in parts or assertion["rawId"] != assertion["id"]:
        yield "evidence_invalid", f"{who}'s signature cannot be read"
        return
    authenticator, client, signature = parts
    data = authenticator + hashlib.sha256(client).digest()
    if not verifies(passkey["algorithm"], passkey["public_key"], data, signature):
        yield "evidence_invalid", f"{who}'s signature does not verify"


def _ceremony(decision, assertion, party, payload_hash):
    if assertion["id"] != assertion["rawId"]:
        yield "id and rawId differ"
    client = _client_data(assertion)
    if client is None:
        yield "the client data is not acceptable"
    else:
        nonce = decode_base64url(decision["nonce"]) if "nonce" in decision else None
        if nonce is None:
            stated = client.get("challenge")
            nonce = (decode_base64url(stated) if isinstance(stated, str) else None) or b""
        challenge = encode_base64url(nonce[:32].ljust(32, b"\0") + bytes.fromhex(payload_hash))
        if client.get("type") != "webauthn.get":
            yield "the type is not webauthn.get"
        if client.get("challenge") != challenge:
            yield "the challenge is not of this payload"
        if client.get("origin") != party["origin"]:
            yield "the origin is not the policy's"
        if client.get("crossOrigin", False) is not False or "topOrigin" in client:
            yield "the page was embedded"
    data = decode_base64url(assertion["response"]["authenticatorData"])
    if data is None or len(data) != 37:
        yield "the authenticator data has not 37 bytes"
        return
    flags = data[32]
    if data[:32] != hashlib.sha256(party["id"].encode("utf-8")).digest():
        yield "another relying party"
    if not flags & 0x01 or not flags & 0x04:
        yield "no user was present and verified"
    if flags & 0x10 and not flags & 0x08:
        yield "backed up, but not eligible"
    if flags & 0xC0:
        yield "attested credential data or extensions"


def _client_data(assertion):
    data = decode_base64url(assertion["response"]["clientDataJSON"])
    if data is None:
        return None
    try:
        client = read(data, CLIENT_DATA_LIMIT)
    except Unacceptable:
        return None
    return client if isinstance(client, dict) else None


def _is_requester(accounts, actor):
    logins = [one.lower() for one in (actor["login"], actor.get("triggered_by")) if one is not None]
    return any(
        actor["id"] in (account["id"], f"{account['provider']}:{account['id']}") or account["login"].lower() in logins
        for account in accounts
    )


NO_REPLY = {
    "github": r"(?:([0-9]+)\+)?([^@]+)@users\.noreply\.github\.com",
    "gitlab": r"(?:([0-9]+)-)?([^@]+)@users\.noreply\.gitlab\.com",
}


def _is_author(accounts, authors):
    for address in (author["email"].lower() for author in authors):
        for account in accounts:
            if address in [one.lower() for one in account.get("emails", [])]:
                return True
            form = NO_REPLY.get(account["provider"])
            found = re.fullmatch(form, address) if form else None
            if found and (found[1] == account["id"] or found[2] == account["login"].lower()):
                return True
    return False


def _times(payload, decisions, now, rule):
    begin, end = parse_time(payload["requested_at"]), parse_time(payload["expires_at"])
    for decision in decisions:
        decided = parse_time(decision["decided_at"])
        if not begin - ALLOWANCE <= decided <= now + ALLOWANCE:
            yield "evidence_invalid", f"{decision['approver']} decided before the request or after now"
        if not decided < end:
            yield "expired", f"{decision['approver']} decided too late"
    if not begin <= now + ALLOWANCE:
        yield "expired", "not valid yet"
    if not now < end:
        yield "expired", "not valid any more"
    if rule is not None and not (end - begin) / 60 <= rule["max_age_minutes"]:
        yield "payload_invalid", "valid for longer than the policy allows"


def _quorums(rule, facts, people):
    if rule is None:
        yield "configuration", "without a rule nobody can be counted"
        return
    migration = facts["migration"]
    destructive = migration["kind"] == "other" or migration.get("destructive") is True
    quorums = [(rule["approvers"], rule["quorum"], rule["quorum_if_destructive"])]
    for group in rule["groups"].values():
        quorum = group.get("quorum", 1)
        quorums.append((group["people"], quorum, group.get("quorum_if_destructive", quorum)))
    for members, quorum, if_destructive in quorums:
        needed = max(quorum, if_destructive) if destructive else quorum
        if len(people.intersection(members)) < needed:
            yield "quorum_unmet", f"{needed} different people of {', '.join(members)} have to approve"


def _redemption(rule, record, facts, assurance, step):
    use = record["redemption"]
    state = use["state"]
    if state == "pending" and step != "request":
        yield "configuration", "it was not redeemed"
    if state == "redeemed":
        same = all(use.get(name) == facts[name] for name in ("run_id", "run_attempt"))
        if "redeemed_at" not in use or not same:
            yield "already_used", "another run redeemed it"
    if state == "run" and assurance == "signature" and not (rule and rule["redemption"] == "run"):
        yield "configuration", "the policy asks for a redemption"
    if state == "service" and assurance == "signature":
        yield "configuration", "only a believed service may leave it unredeemed"
