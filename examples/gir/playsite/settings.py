"""What a site is made of: one JSON file in its directory, read once when the site starts."""

import json
import os
import secrets
import socket

NAME = "site.json"

# What the services do where no document says what is right. Tests change them, so that a client that relies on one is seen.
CHOICES = {
    "version": "8.5.201.90",
    "csrf": True,
    # Names of the links to the page before and after, and whether they are whole addresses or paths.
    "page_links": ["previousUri", "nextUri"],
    "page_links_absolute": False,
    # Scheme and host that links to pages name where RWS is behind a balancer; null: those that clients know.
    "names_itself": None,
    "page_limit": 100,
    # The last part of the path of the bulk question; null where the site has none.
    "bulk_path": "bulk",
    # Seconds until a search shows what a question for one id shows at once.
    "index_lag": 0,
    # Whether records of screens show the envelope of an encrypted file.
    "screen_envelopes": True,
    # A result whose mediaId is there already: "refuse" (statusCode 18), "replace", "append".
    "same_media_id": "refuse",
    # Whether what RWS removes goes from the store, too.
    "removes_file": True,
    # Whether RCS has screens below the contact center, as RWS has them, and not as its own paths are seen elsewhere.
    "rcs_has_center": False,
    # The server behind the WebDAV store: "apache", "rclone", "nginx", "wsgidav".
    "store": "apache",
}


def free_ports(count):
    held = []
    for _ in range(count):
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        held.append(holder)
    numbers = [holder.getsockname()[1] for holder in held]
    for holder in held:
        holder.close()
    return numbers


class Settings:
    def __init__(self, directory, values):
        self.directory = directory
        self.values = values

    def __getattr__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @staticmethod
    def load(directory):
        with open(os.path.join(directory, NAME), encoding="utf-8") as file:
            return Settings(directory, json.load(file))

    @staticmethod
    def make(directory, region, changes):
        unknown = set(changes) - set(CHOICES)
        if unknown:
            raise SystemExit(f"The site has no choice {', '.join(sorted(unknown))}: it has {', '.join(CHOICES)}.")
        rws, rcs, dav, store, control = free_ports(5)
        values = {
            "ports": {"rws": rws, "rcs": rcs, "dav": dav, "store": store, "control": control},
            "region": region,
            "contact_center": secrets.token_hex(16),
            "ops": ["ops", secrets.token_hex(8)],
            "admin": ["admin@tenant.example", secrets.token_hex(8)],
            "webdav": ["davuser", secrets.token_hex(8)],
            **CHOICES,
            **changes,
        }
        settings = Settings(directory, values)
        with open(settings.path(NAME), "w", encoding="utf-8") as file:
            json.dump(values, file, indent=2)
        os.chmod(settings.path(NAME), 0o600)
        return settings

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def address(self, service):
        scheme = "http" if service == "control" else "https"
        return f"{scheme}://127.0.0.1:{self.ports[service]}"

    def muxer_cfg(self):
        """The file that the Recording Muxer Script would be given for this site."""
        return f"""\
[htcc]
base_uri = {self.address("rws")}/
contact_center_id = {self.contact_center}
username = {self.ops[0]}
password = {self.ops[1]}

[rcs]
base_uri = {self.address("rcs")}/
username = {self.admin[0]}
password = {self.admin[1]}

[webdav]
username = {self.webdav[0]}
password = {self.webdav[1]}

[processing]
ffmpeg = /usr/bin/ffmpeg
ffprobe = /usr/bin/ffprobe
openssl = /usr/bin/openssl
batch_read_screen_recording_metadata = 1
query_slice_size = 100
window_past = 1440
window_past_older_than =
min-poll_interval = 1
muxer_id = -1
total_muxers =
muxer_type =
temp_dir = {self.path("temp")}

[advanced]
worker_threads = 2
pagination = 100
max_overlap_allowed = 2000
video_padding_slice_length_ms = 5000
call_recording_extra_query_string =
call_recording_query_string =

[logfile]
logfile_path = {self.path("log")}
"""
