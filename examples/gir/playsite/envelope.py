"""Encrypted media as the vendor keeps them: bare ciphertext beside a PKCS#7 envelope without content."""

import base64
import textwrap

from .tools import run


def element(data, at):
    """Tag, start of the content and end of the DER element at `at`."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start:start + count], "big")
        start += count
    return tag, start, start + length


def children(data, start, end):
    while start < end:
        tag, inner, after = element(data, start)
        yield tag, start, inner, after
        start = after


def wrapped(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def encrypt(clear, certificate):
    """(envelope as PEM, ciphertext) of a file, encrypted for the owner of a certificate."""
    whole = run("openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", "-in", clear, certificate)
    # ContentInfo { type, [0] { EnvelopedData { version, recipients, EncryptedContentInfo { type, cipher, [0] bytes }}}}
    _, start, end = element(whole, 0)
    (_, type_at, _, type_end), (_, _, explicit, _) = children(whole, start, end)
    _, start, end = element(whole, explicit)
    parts = list(children(whole, start, end))
    _, information_at, inner, after = parts[-1]
    content_type, cipher, content = children(whole, inner, after)
    bare = wrapped(0x30, whole[content_type[1]:cipher[3]])
    envelope = wrapped(0x30, whole[parts[0][1]:information_at] + bare)
    detached = wrapped(0x30, whole[type_at:type_end] + wrapped(0xA0, envelope))
    text = "\n".join(textwrap.wrap(base64.b64encode(detached).decode(), 64))
    return f"-----BEGIN PKCS7-----\n{text}\n-----END PKCS7-----\n", whole[content[2]:content[3]]


def decrypt(envelope, ciphertext, key, certificate):
    """The clear bytes of the file `ciphertext`, or SystemExit with what openssl said."""
    return run(
        "openssl", "cms", "-decrypt", "-binary", "-inform", "PEM", "-content", ciphertext, "-inkey", key,
        "-recip", certificate, data=envelope.replace("PKCS7", "CMS").encode())
