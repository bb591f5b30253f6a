"""Runs the frozen vectors: what this implementation says of each, against what is due."""

import datetime
import hashlib
import json
import os

from documents import check_facts, check_payload, check_record, read_payload
from policy import check_policy
from strict_json import DOCUMENT_LIMIT, Unacceptable, canonical, read, sha256
from verify import differences, verdict


def run(folder):
    """Yields (name, agrees, what was found)."""
    yield from _payloads(_load(folder, "payloads"))
    yield from _challenges(_load(folder, "challenges"))
    yield from _comparisons(_load(folder, "comparisons"))
    yield from _refusals(_load(folder, "refusals"))
    for name in sorted(os.listdir(folder)):
        if name.startswith("evidence") and name.endswith(".json"):
            yield from _evidence(_load(folder, name[:-5]))


def _load(folder, name):
    with open(os.path.join(folder, f"{name}.json"), encoding="utf-8") as file:
        return json.load(file)


def _payloads(document):
    for vector in document["vectors"]:
        form = canonical(vector["payload"])
        found = (form.decode("utf-8"), sha256(form), check_payload(vector["payload"]))
        yield f"payload: {vector['name']}", found == (vector["canonical"], vector["payload_hash"], []), found


def _challenges(document):
    for vector in document["vectors"]:
        nonce, payload_hash = bytes.fromhex(vector["nonce"]), bytes.fromhex(vector["payload_hash"])
        found = {"approval": (nonce + payload_hash).hex()}
        for purpose in ("rejection", "revocation"):
            domain = f"deploy-warrant/{purpose}/v1".encode("ascii")
            bound = hashlib.sha256(domain + b"\0" + nonce + payload_hash).digest()
            found[purpose] = (nonce + bound + hashlib.sha256(domain).digest()).hex()
        yield f"challenges: {vector['nonce'][:8]}", all(found[key] == vector[key] for key in found), found


def _comparisons(document):
    for vector in document["vectors"]:
        found = [
            {"field": path, "signed": signed, "final": final}
            for path, signed, final in differences(vector["signed"], vector["final"])
        ]
        yield f"comparison: {vector['name']}", found == vector["differences"], found


def _refusals(document):
    checks = {"facts": check_facts, "payload": check_payload, "record": check_record, "policy": check_policy}
    for vector in document["documents"]:
        name = f"{vector['kind']}: {vector['name']}"
        if vector["kind"] == "json":
            found = _refusal_of(bytes.fromhex(vector["hex"]))
            yield name, found is not None, found
            continue
        if vector["kind"] == "payload text":
            problems = read_payload(vector["text"])[1]
        else:
            problems = checks[vector["kind"]](read(vector["text"].encode("utf-8"), DOCUMENT_LIMIT))
        found = sorted({path for path, _ in problems})
        yield name, found == vector["fields"], found


def _refusal_of(data):
    try:
        read(data, DOCUMENT_LIMIT)
        return None
    except Unacceptable as error:
        return str(error)


def _evidence(document):
    for vector in document["vectors"]:
        now = datetime.datetime.strptime(vector["now"], "%Y-%m-%dT%H:%M:%S.%fZ")
        found = verdict(
            document["policies"][vector["policy"]] if vector["policy"] else None,
            vector["record"],
            vector["final_facts"],
            now.replace(tzinfo=datetime.timezone.utc).timestamp(),
            assurance=vector["assurance"],
            step=vector["step"],
            circumstances=vector.get("circumstances"),
        )
        due = (vector["reason_code"], vector["approvers"])
        yield f"evidence: {vector['name']}", found == due, found
