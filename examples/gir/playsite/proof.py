"""Opens each result as who plays it would: openssl decrypts, ffprobe measures, ffmpeg decodes."""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import tempfile

from .envelope import decrypt

# Times of metadata are whole seconds.
TOLERANCE_MS = 600


def proof(settings, store):
    """How many results there are, how many are encrypted, how many are of bytes of their own but for what they say of
    themselves, how many do not open or last as long as the truth says, and why the first of these."""
    with open(settings.path("truth.json"), encoding="utf-8") as file:
        wanted = {(each["call"], tuple(sorted(each["media"]))): each["milliseconds"] for each in json.load(file)}
    results = [(call, medium) for call, medium in store.every_screen() if "muxed_mediaIds" in medium.get("parameters", {})]
    counts = {"results": len(results), "encrypted": 0, "distinct": 0, "wrong": 0, "first": None}
    lengths = {}
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        for (call, medium), (content, complaint) in in_parts(
                threads, lambda result: clear(settings, result[1]), results):
            counts["encrypted"] += "pkcs7" in medium
            if content is not None:
                kind = hashlib.sha256(nameless(content)).digest()
                if kind not in lengths:
                    lengths[kind] = played(content, scratch)
                length, complaint = lengths[kind]
                want = wanted.get((call, tuple(sorted(medium["parameters"]["muxed_mediaIds"]))))
                if not complaint and (want is None or abs(length - want) > TOLERANCE_MS):
                    complaint = f"it lasts {length} ms, and should {want}"
            if complaint:
                counts["wrong"] += 1
                counts["first"] = counts["first"] or f"{medium['mediaId']}: {complaint}"
    return {**counts, "distinct": len(lengths)}


def in_parts(threads, action, values):
    """Each value with what came of it; not more of them at a time than memory holds."""
    for at in range(0, len(values), 200):
        part = values[at:at + 200]
        yield from zip(part, threads.map(action, part))


def clear(settings, medium):
    """(bytes, None), or (None, why not)."""
    path = settings.path("www/recordings/screen", os.path.basename(medium["originalMediaDescriptor"]["path"]))
    if "pkcs7" in medium:
        if not medium["certAlias"].startswith("rcs_Tenant"):
            return None, "it is encrypted for somebody else"
        try:
            return decrypt(medium["pkcs7"], path, settings.path("keys/new.key"), settings.path("keys/new.pem")), None
        except SystemExit as refusal:
            return None, str(refusal)
    try:
        with open(path, "rb") as file:
            return file.read(), None
    except OSError as problem:
        return None, str(problem)


def nameless(content):
    """Without the comment, in which each names its own sources."""
    at = content.find(b"recording=")
    if at < 16 or content[at - 12:at - 8] != b"data":
        return content
    end = at - 16 + int.from_bytes(content[at - 16:at - 12], "big")
    return content[:at] + bytes(max(0, end - at)) + content[end:]


def played(content, scratch):
    """(milliseconds, None) of a file that decodes without a complaint, else (None, the complaint)."""
    path = os.path.join(scratch, "result.mp4")
    with open(path, "wb") as file:
        file.write(content)
    decoded = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True, check=False)
    if decoded.returncode != 0 or decoded.stderr:
        return None, "it does not decode: " + decoded.stderr.decode(errors="replace")[:300]
    measured = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "format=duration:stream=codec_type", path],
        capture_output=True, check=True)
    facts = json.loads(measured.stdout)
    if sorted(stream["codec_type"] for stream in facts["streams"]) != ["audio", "video"]:
        return None, "it has not one sound and one picture"
    return round(float(facts["format"]["duration"]) * 1000), None
