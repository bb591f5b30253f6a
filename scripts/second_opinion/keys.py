"""Public keys and signatures, by the command openssl: Python's own library has none."""

import base64
import functools
import os
import subprocess
import tempfile

from strict_json import decode_base64url

P256_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
ED25519_HEAD = bytes.fromhex("302a300506032b6570032100")
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")


def _openssl(arguments, data=None):
    program = os.environ.get("OPENSSL", "openssl")
    return subprocess.run([program, *arguments], input=data, capture_output=True, check=False)


@functools.lru_cache(maxsize=None)
def key_problem(algorithm, text):
    """What is wrong with a pinned key in SubjectPublicKeyInfo, or None."""
    der = decode_base64url(text)
    if der is None:
        return "is not the base64url of its bytes"
    if algorithm == "ES256":
        good = len(der) == 91 and der.startswith(P256_HEAD + b"\x04")
    elif algorithm == "EdDSA":
        good = len(der) == 44 and der.startswith(ED25519_HEAD)
    else:
        good = _is_plain_rsa(der)
    if not good:
        return f"is no {algorithm} key in its plain form"
    checked = _openssl(["pkey", "-pubin", "-inform", "DER", "-pubcheck", "-noout"], der)
    # Not every openssl can check an Ed25519 key; reading it is all that there is to check.
    if algorithm == "EdDSA":
        checked = _openssl(["pkey", "-pubin", "-inform", "DER", "-noout"], der)
    return None if checked.returncode == 0 else f"is no valid {algorithm} key"


def _is_plain_rsa(der):
    """SEQUENCE { rsaEncryption, BIT STRING { SEQUENCE { INTEGER n, INTEGER e } } }, n of 2048 bits or more, e odd and 3 or more."""
    try:
        body, rest = _element(der, 0x30)
        algorithm, bits = body[:15], body[15:]
        string, after = _element(bits, 0x03)
        numbers, left = _element(string[1:], 0x30)
        modulus, tail = _element(numbers, 0x02)
        exponent, none = _element(tail, 0x02)
    except (ValueError, IndexError):
        return False
    if rest or after or left or none or algorithm != RSA_ALGORITHM or string[:1] != b"\x00":
        return False
    if any(_is_padded(number) for number in (modulus, exponent)):
        return False
    n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    return n.bit_length() >= 2048 and e >= 3 and e % 2 == 1


def _is_padded(number):
    """DER integers are as short as they can be, and these are positive."""
    return not number or number[0] >= 0x80 or (number[0] == 0 and len(number) > 1 and number[1] < 0x80)


def _element(data, tag):
    """The content of the DER element at the front, and what follows it."""
    if data[0] != tag:
        raise ValueError("another tag")
    length, start = data[1], 2
    if length >= 0x80:
        size = length & 0x7F
        start += size
        length = int.from_bytes(data[2:start], "big")
        if size == 0 or length < 0x80 or data[2] == 0:
            raise ValueError("not DER")
    if len(data) < start + length:
        raise ValueError("cut short")
    return data[start : start + length], data[start + length :]


def verifies(algorithm, key_text, data, signature):
    """Whether the signature over the data is by this key. ES256 signatures are ASN.1 DER."""
    der = decode_base64url(key_text)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for name, content in (("key", pem), ("data", data), ("signature", signature)):
            names[name] = os.path.join(folder, name)
            with open(names[name], "wb") as file:
                file.write(content)
        if algorithm == "EdDSA":
            arguments = ["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey", names["key"], "-in", names["data"]]
            arguments += ["-sigfile", names["signature"]]
        else:
            arguments = ["dgst", "-sha256", "-verify", names["key"], "-signature", names["signature"], names["data"]]
        return _openssl(arguments).returncode == 0
