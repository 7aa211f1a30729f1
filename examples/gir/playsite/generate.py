"""Makes a site's directory: certificates, media, metadata, and the truth to compare results with."""

import json
import os
import random
import shutil
import time
import uuid

from .envelope import encrypt
from .settings import Settings
from .store import NEVER, Store
from .tools import run, time_text

# Of a hundred recordings, so many are of a kind.
KINDS = {"screen": 66, "segments": 12, "agents": 6, "late": 8, "silent": 4, "elsewhere": 4}
# Lengths of the sounds in seconds; one set of media each.
LENGTHS = [4, 5, 7, 9]
SIZES = ["320x180", "480x270"]


def make_site(directory, count, results, seed, span_minutes, encrypted_share, changes, like):
    """So many recordings, or as many as it takes for so many results that are due at once."""
    os.makedirs(directory, mode=0o755)
    for part in ("log", "temp", "run", "www/recordings/screen"):
        os.makedirs(os.path.join(directory, part))
    settings = Settings.make(directory, "eu1", changes)
    if like:
        pool = take_pool(settings, like)
    else:
        for part in ("tls", "keys", "pool"):
            os.makedirs(settings.path(part))
        make_certificates(settings)
        pool = make_pool(settings)
    store = Store(settings.path("site.db"), make=True)
    chance = random.Random(seed)
    truth, now = [], int(time.time() * 1000)
    store.all("BEGIN")
    made = due = 0
    while due < results if results else made < count:
        start = now - 60_000 - chance.randrange(max(1, (span_minutes - 1) * 60_000))
        kind = chance.choices(list(KINDS), KINDS.values())[0]
        pairs = Recording(settings, store, pool, chance, start // 1000 * 1000, kind, encrypted_share).make()
        truth += pairs
        made, due = made + 1, due + sum(1 for pair in pairs if not pair["late"])
    store.all("COMMIT")
    with open(settings.path("truth.json"), "w", encoding="utf-8") as file:
        json.dump(truth, file, indent=1)
    with open(settings.path("muxer.cfg"), "w", encoding="utf-8") as file:
        file.write(settings.muxer_cfg())
    os.chmod(settings.path("muxer.cfg"), 0o600)
    return settings


def make_certificates(settings):
    def path(name):
        return settings.path("tls", name)

    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=play site CA", "-keyout", path("ca.key"), "-out", path("ca.pem"))
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1",
        "-keyout", path("server.key"), "-out", path("server.csr"))
    with open(path("server.ext"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    run("openssl", "x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
        "-CAcreateserial", "-days", "30", "-extfile", path("server.ext"), "-out", path("server.pem"))
    # Screens and sounds of different years are bound to different certificates; old ones are kept.
    for name in ("old", "new"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
            "-subj", f"/O=Tenant/CN=recordings {name}", "-keyout", settings.path("keys", f"{name}.key"),
            "-out", settings.path("keys", f"{name}.pem"))


def make_pool(settings):
    """Media of each length, clear and encrypted: {(length, part, is encrypted): (path, milliseconds, envelope)}."""
    pool = {}
    for number, length in enumerate(LENGTHS):
        certificate = settings.path("keys", "old.pem" if number == 0 else "new.pem")
        for part, seconds in parts_of(length):
            path = settings.path("pool", f"{length}-{part}.{'mp3' if part == 'sound' else 'mp4'}")
            if part == "sound":
                run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=frequency={300 + 90 * number}:duration={seconds}",
                    "-ar", "8000", "-ac", "1", "-b:a", "16k", path)
            else:
                size = SIZES[1 if part == "second" else 0]
                run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=5:duration={seconds}",
                    "-c:v", "libx264", "-preset", "ultrafast", "-crf", "35", "-pix_fmt", "yuv420p", path)
            envelope, ciphertext = encrypt(path, certificate)
            with open(path + ".bin", "wb") as file:
                file.write(ciphertext)
            pool[length, part, False] = (path, int(seconds * 1000), None)
            pool[length, part, True] = (path + ".bin", int(seconds * 1000), envelope)
    with open(settings.path(POOL), "w", encoding="utf-8") as file:
        json.dump([
            [length, part, os.path.basename(path), milliseconds, envelope]
            for (length, part, _), (path, milliseconds, envelope) in pool.items()], file)
    return pool


POOL = "pool/media.json"


def take_pool(settings, other):
    """Media, keys and certificates of another site, linked."""
    for part in ("tls", "keys", "pool"):
        shutil.copytree(os.path.join(other, part), settings.path(part), copy_function=os.link)
    with open(settings.path(POOL), encoding="utf-8") as file:
        return {
            (length, part, envelope is not None): (settings.path("pool", name), milliseconds, envelope)
            for length, part, name, milliseconds, envelope in json.load(file)}


def parts_of(length):
    """(part, seconds): the whole screen begins a second after the sound, and ends one before it."""
    return [("sound", length), ("whole", length - 2), ("first", length / 2), ("second", length / 2)]


class Recording:
    """One call with what belongs to it."""

    def __init__(self, settings, store, pool, chance, start, kind, encrypted_share):
        self.settings, self.store, self.pool, self.chance = settings, store, pool, chance
        self.start, self.kind = start, kind
        self.is_encrypted = chance.random() < encrypted_share
        self.length = chance.choice(LENGTHS)
        self.id = f"{chance.getrandbits(96):024X}{chance.randrange(10**6):06d}"
        self.region = "us2" if kind == "elsewhere" else settings.region

    def make(self):
        """Puts it into the store; what a muxer has to make of it."""
        agents = [f"agent{self.chance.randrange(1, 400)}@tenant.example"]
        if self.kind == "agents":
            agents.append("second." + agents[0])
        stop = self.start + self.length * 1000
        sounds = [self.sound(agent, stop) for agent in agents]
        number = f"555{self.chance.randrange(10**7):07d}"
        data = {} if self.kind == "silent" else {"SRS": "SRSScreenRecordingStateStarted"}
        contacts = [{"type": "User", "userName": agent, "firstName": agent.split("@")[0], "lastName": "Play"} for agent in agents]
        body = {
            "id": self.id, "callerPhoneNumber": number, "dialedPhoneNumber": "8005550199", "callType": "Inbound",
            "region": self.region, "startTime": time_text(self.start), "stopTime": time_text(stop), "mediaFiles": sounds,
            "eventHistory": [
                {"occurredAt": time_text(self.start), "calluuid": self.id, "event": "Joined", "contact": contact, "data": data}
                for contact in [{"type": "External", "phoneNumber": number}] + contacts],
        }
        self.store.add_call(body, self.start, stop)
        truth = []
        for agent, sound in zip(agents, sounds):
            screens = [] if self.kind == "silent" else self.screens(agent)
            if screens and self.kind != "elsewhere":
                truth.append({
                    "call": self.id, "media": [sound["mediaId"]] + screens, "late": self.kind == "late",
                    "encrypted": self.is_encrypted, "milliseconds": self.length * 1000, "start": self.start,
                    "kind": self.kind})
        return truth

    def medium(self, part, folder):
        path, milliseconds, envelope = self.pool[self.length, part, self.is_encrypted]
        name = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        stored = name + (".mp3" if part == "sound" else ".mp4") + (".bin" if part == "sound" and self.is_encrypted else "")
        os.link(path, self.settings.path("www", folder, stored))
        return name, stored, milliseconds, os.path.getsize(path), envelope

    def sound(self, agent, stop):
        name, stored, milliseconds, size, envelope = self.medium("sound", "recordings")
        path = f"/recordings/{self.id}/play/{name}.mp3"
        date = time_text(self.start)[:19].replace("T", "_").replace(":", "-")
        body = {
            "mediaId": f"{self.id}_{date}-{name[:8]}.mp3" + (".bin" if envelope else ""), "callUUID": self.id,
            "type": "audio/mp3", "startTime": time_text(self.start), "stopTime": time_text(stop),
            "duration": str(milliseconds), "size": str(size),
            "mediaUri": f"{self.settings.address('rws')}/api/v2{path}", "mediaPath": path, "playPath": path,
            "originalMediaDescriptor": {
                "storage": "webDAV", "path": f"{self.settings.address('dav')}/recordings/{stored}"},
            "tenant": "Environment", "masks": [], "partitions": [], "accessgroups": ["/"],
            "parameters": {"id": self.id, "agentId": agent, "recordDN": "1001"},
        }
        return body | ({"pkcs7": envelope} if envelope else {})

    def screens(self, agent):
        """Adds the agent's screens; their media ids in the order of their start."""
        if self.kind == "segments":
            # The second begins half a second before the first one ends.
            parts = [("first", 0), ("second", self.length * 500 - 500)]
        else:
            parts = [("whole", 1000)]
        names = []
        for part, offset in parts:
            name, stored, milliseconds, size, envelope = self.medium(part, "recordings/screen")
            center = self.settings.contact_center
            path = f"/contact-centers/{center}/screen-recordings/{self.id}/content/{stored}"
            start = self.start + offset
            body = {
                "mediaId": stored, "type": "video/mp4", "startTime": time_text(start),
                "stopTime": time_text(start + milliseconds), "duration": str(milliseconds), "size": str(size),
                "mediaUri": f"{self.settings.address('rws')}/internal-api{path}", "mediaPath": path,
                "originalMediaDescriptor": {
                    "storage": "webDAV", "path": stored,
                    "data": {"storagePath": f"{self.settings.address('dav')}/recordings/screen/"}},
                "parameters": {"region": self.region, "contact": {"userName": agent}},
            }
            available = NEVER if self.kind == "late" else 0.0
            self.store.add_screen(
                self.id, body | ({"pkcs7": envelope} if envelope else {}), start, start + milliseconds, available)
            names.append(stored)
        return names
