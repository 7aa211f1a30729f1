"""The WebDAV servers that the site's store can be, on the same directory: one of them at a time, behind a way that can be cut."""

import concurrent.futures
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import time

from .tools import die_with_parent, run

# `make deps` unpacks there what is not installed: a server whose package starts a service, and one that Debian does not have.
UNPACKED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../.build/stores")
MODULES = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs", "dav_lock", "ssl")
APACHE = """\
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
# What comes with a PUT waits in run/ until it is whole. Conditions of requests are not looked at.
NGINX = """\
daemon off;
{identity}
pid {directory}/run/nginx.pid;
error_log {directory}/log/nginx.log;
events {{}}
http {{
 access_log off;
 client_body_temp_path {directory}/run/body;
 proxy_temp_path {directory}/run/proxy;
 fastcgi_temp_path {directory}/run/fastcgi;
 uwsgi_temp_path {directory}/run/uwsgi;
 scgi_temp_path {directory}/run/scgi;
 server {{
  listen 127.0.0.1:{port} ssl;
  ssl_certificate {directory}/tls/server.pem;
  ssl_certificate_key {directory}/tls/server.key;
  root {directory}/www;
  client_max_body_size 0;
  location / {{
   auth_basic dav;
   auth_basic_user_file {directory}/run/users;
   dav_methods PUT DELETE MKCOL COPY MOVE;
   create_full_put_path on;
  }}
 }}
}}
"""


def unpacked(*parts):
    return os.path.join(UNPACKED, *parts)


def nginx_program():
    own = unpacked("nginx/usr/sbin/nginx")
    return own if os.path.exists(own) else shutil.which("nginx", path="/usr/sbin:/usr/bin")


def is_root():
    return os.geteuid() == 0


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def apache(settings, port):
    if is_root():
        # As root Apache gives its rights away, and its files have to be its own.
        run("chown", "-R", "www-data:www-data", settings.path("www"), settings.path("run"))
        # Everything above its directory has to let it through.
        run("chmod", "755", settings.directory)
    write(settings.path("run/apache.conf"), APACHE.format(
        directory=settings.directory, port=port, identity="User www-data\nGroup www-data" if is_root() else "",
        modules="\n".join(f"LoadModule {name}_module modules/mod_{name}.so" for name in MODULES)))
    return ["/usr/sbin/apache2", "-DFOREGROUND", "-f", settings.path("run/apache.conf")], {}


def rclone(settings, port):
    user, password = settings.webdav
    return [
        "/usr/bin/rclone", "serve", "webdav", settings.path("www"), "--addr", f"127.0.0.1:{port}", "--user", user,
        "--pass", password, "--cert", settings.path("tls/server.pem"), "--key", settings.path("tls/server.key"),
        # RWS removes files behind its back.
        "--dir-cache-time", "0s", "--config", settings.path("run/none"), "--log-file", settings.path("log/rclone.log")], {}


def nginx(settings, port):
    write(settings.path("run/nginx.conf"), NGINX.format(
        directory=settings.directory, port=port, identity="user root;" if is_root() else ""))
    return [
        nginx_program(), "-e", settings.path("log/nginx.log"), "-p", settings.directory, "-c",
        settings.path("run/nginx.conf")], {}


def wsgidav(settings, port):
    user, password = settings.webdav
    write(settings.path("run/wsgidav.json"), json.dumps({
        "host": "127.0.0.1", "port": port, "server": "cheroot", "provider_mapping": {"/": settings.path("www")},
        "ssl_certificate": settings.path("tls/server.pem"), "ssl_private_key": settings.path("tls/server.key"),
        "ssl_adapter": "builtin", "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "property_manager": False, "lock_storage": True, "verbose": 1}))
    return [
        "/usr/bin/python3", "-B", "-m", "wsgidav.server.server_cli", "--config", settings.path("run/wsgidav.json")
    ], {"PYTHONPATH": unpacked("wsgidav")}


KINDS = {"apache": apache, "rclone": rclone, "nginx": nginx, "wsgidav": wsgidav}


@functools.lru_cache
def coded(password):
    return run("openssl", "passwd", "-apr1", password).decode().strip()


class Stores:
    """The server of the moment, a child that ends with this process."""

    def __init__(self, settings):
        self.settings, self.server, self.kind = settings, None, None
        # The kernel ends a child with the thread that made it: this one stays.
        self.keeper = concurrent.futures.ThreadPoolExecutor(max_workers=1)

    def switch(self, kind):
        if kind not in KINDS:
            raise ValueError(f"The store can be {', '.join(KINDS)}.")
        self.keeper.submit(self.replace, kind).result()

    def stop(self):
        self.keeper.submit(self.end).result()

    def wait(self):
        """Until the server of the moment ends by itself."""
        while not self.keeper.submit(lambda: self.server.poll() is not None).result():
            time.sleep(0.5)
        sys.exit(f"{self.kind} ended: see {self.settings.path('log')}")

    def replace(self, kind):
        if kind == self.kind:
            return
        self.end()
        settings, port = self.settings, self.settings.ports["store"]
        user, password = settings.webdav
        write(settings.path("run/users"), f"{user}:{coded(password)}\n")
        command, variables = KINDS[kind](settings, port)
        if not command[0]:
            raise ValueError(f"There is no {kind} here: `make deps` brings it.")
        with open(settings.path(f"log/{kind}.out"), "ab") as output:
            self.server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | variables,
                preexec_fn=die_with_parent)
        self.kind = kind
        for _ in range(400):
            if self.server.poll() is not None:
                raise SystemExit(f"{kind} did not start: see {settings.path('log')}.")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.025)
        raise SystemExit(f"{kind} does not listen: see {settings.path('log')}.")

    def end(self):
        if self.server:
            self.server.terminate()
            self.server.wait()
        self.server, self.kind = None, None
