"""A second opinion on an approval record, written from docs/PROTOCOL.md alone: Python's standard library and openssl, none of our code.

    python3 scripts/second_opinion audit DIR [--at TIME]   what speaks against the record in a folder that verify wrote
    python3 scripts/second_opinion vectors DIR             agreement with frozen vectors, such as __tests__/vectors

Exit codes: 0 the record holds, or all vectors agree; 1 it does not, or one does not; 2 it could not be looked at.
"""

import hashlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from strict_json import DOCUMENT_LIMIT, Unacceptable, parse_time, read  # noqa: E402
from vectors import run  # noqa: E402
from verify import objections  # noqa: E402

FILES = ("record.json", "facts.json", "policy.json", "verdict.json")


def audit(folder, moment):
    """Sentences about what does not hold."""
    texts, documents = {}, {}
    for name in FILES:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                texts[name] = file.read(DOCUMENT_LIMIT + 1)
            documents[name] = read(texts[name], DOCUMENT_LIMIT)
        except OSError as error:
            yield f"{name} cannot be read: {error.strerror}"
        except Unacceptable as error:
            yield f"{name} is not acceptable: {error}"
    if len(documents) < len(FILES):
        return
    record, facts, policy, stated = (documents[name] for name in FILES)
    yield from _damage(texts, stated)
    use = record.get("redemption") if isinstance(record, dict) else None
    use = use if isinstance(use, dict) else {}
    now = moment if moment is not None else parse_time(use.get("redeemed_at"))
    step = "request" if use.get("state") == "pending" else "verify"
    found = objections(
        policy,
        record,
        facts,
        time.time() if now is None else now,
        step=step,
        circumstances=stated.get("circumstances") if isinstance(stated, dict) else None,
    )
    for code, sentence in found:
        yield f"{code}: {sentence}"


def _damage(texts, stated):
    listed = stated.get("files") if isinstance(stated, dict) else None
    if not isinstance(listed, dict):
        yield "verdict.json lists no hashes of the files"
        return
    without = json.dumps({key: value for key, value in stated.items() if key != "files"}, indent=2, ensure_ascii=False)
    bodies = {**texts, "verdict.json": (without + "\n").encode("utf-8")}
    whole = (json.dumps(stated, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
    if whole != texts["verdict.json"]:
        yield "verdict.json is not in the form in which the gate writes it"
    for name in FILES:
        if hashlib.sha256(bodies[name]).hexdigest() != listed.get(name):
            yield f"{name} is not the one that verdict.json lists"


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "vectors":
        agreed = 0
        disagreed = 0
        for name, agrees, found in run(arguments[1]):
            agreed += agrees
            disagreed += not agrees
            if not agrees:
                print(f"DISAGREES: {name}: {found}")
        print(f"{agreed} agree, {disagreed} disagree")
        return 0 if agreed > 0 and disagreed == 0 else 1
    if len(arguments) in (2, 4) and arguments[0] == "audit":
        moment = None
        if len(arguments) == 4:
            moment = parse_time(arguments[3])
            if arguments[2] != "--at" or moment is None:
                print(__doc__, file=sys.stderr)
                return 2
        faults = list(audit(arguments[1], moment))
        print("\n".join(faults) if faults else "The record holds.")
        return 1 if faults else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
