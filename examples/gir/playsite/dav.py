"""The WebDAV store: Apache, behind a way that can be cut."""

import os
import select
import socket
import subprocess
import threading
import time

from .tools import die_with_parent, run

MODULES = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs", "dav_lock", "ssl")
CONFIGURATION = """\
ServerRoot /usr/lib/apache2
PidFile {directory}/run/apache.pid
DefaultRuntimeDir {directory}/run
Mutex file:{directory}/run
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
{modules}
{identity}
ErrorLog {directory}/log/apache.log
DavLockDB {directory}/run/locks
DocumentRoot {directory}/www
SSLEngine on
SSLCertificateFile {directory}/tls/server.pem
SSLCertificateKeyFile {directory}/tls/server.key
LimitXMLRequestBody 1048576
<Directory {directory}/www>
 Dav On
 AuthType Basic
 AuthName dav
 AuthUserFile {directory}/run/users
 Require valid-user
</Directory>
"""


def start_apache(settings):
    """The running server, a child that ends with this process."""
    identity = ""
    if os.geteuid() == 0:
        # As root Apache gives its rights away, and its files have to be its own.
        identity = "User www-data\nGroup www-data"
        run("chown", "-R", "www-data:www-data", settings.path("www"), settings.path("run"))
        # Everything above its directory has to let it through.
        run("chmod", "755", settings.directory)
    user, password = settings.webdav
    coded = run("openssl", "passwd", "-apr1", password).decode().strip()
    with open(settings.path("run/users"), "w", encoding="ascii") as file:
        file.write(f"{user}:{coded}\n")
    with open(settings.path("run/apache.conf"), "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(
            directory=settings.directory, port=settings.ports["apache"], identity=identity,
            modules="\n".join(f"LoadModule {name}_module modules/mod_{name}.so" for name in MODULES)))
    return subprocess.Popen(
        ["/usr/sbin/apache2", "-DFOREGROUND", "-f", settings.path("run/apache.conf")], stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent)


class Way:
    """Passes bytes on to Apache. A rule holds for one connection: {"kind": "cut_up" | "cut_down" | "stall", "bytes": N,
    "seconds": S}: after N bytes from the client (to it), close both sides or stand still."""

    KINDS = ("cut_up", "cut_down", "stall")

    def __init__(self, port, upstream):
        self.upstream = upstream
        self.rules = []
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(128)

    def add(self, rule):
        if rule.get("kind") not in self.KINDS:
            raise ValueError(f"There is no such fault of the way: there are {', '.join(self.KINDS)}.")
        with self.lock:
            self.rules += [dict(rule)] * int(rule.get("times", 1))

    def clear(self):
        with self.lock:
            self.rules = []

    def start(self):
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            with self.lock:
                rule = self.rules.pop(0) if self.rules else {}
            threading.Thread(target=self.relay, args=(client, rule), daemon=True).start()

    def relay(self, client, rule):
        with client, socket.socket() as server:
            try:
                server.connect(("127.0.0.1", self.upstream))
                self.pass_on(client, server, rule)
            except OSError:
                pass

    def pass_on(self, client, server, rule):
        passed = {client: 0, server: 0}
        watched = client if rule.get("kind") in ("cut_up", "stall") else server
        while True:
            for side in select.select([client, server], [], [])[0]:
                data = side.recv(65536)
                if not data:
                    return
                if rule and side is watched and passed[side] + len(data) > rule["bytes"]:
                    if rule["kind"] != "stall":
                        (server if side is client else client).sendall(data[:max(0, rule["bytes"] - passed[side])])
                        return
                    time.sleep(rule["seconds"])
                    rule = {}
                passed[side] += len(data)
                (server if side is client else client).sendall(data)
