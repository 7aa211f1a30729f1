"""What the HTTP services of the site share: TLS, Basic auth, sessions, faults, counting."""

import base64
import collections
import hmac
import json
import re
import secrets
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Refused(Exception):
    """An answer that is no success: HTTP status, RWS's statusCode and its message."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class CutOff(Exception):
    """The connection is to be closed without an answer."""


class Site:
    """What all services of one site know."""

    def __init__(self, settings, store, faults):
        self.settings, self.store, self.faults = settings, store, faults
        self.lock = threading.Lock()
        self.sessions = {}
        self.decrypted = {}
        self.requests = collections.Counter()

    def new_session(self):
        with self.lock:
            session = secrets.token_hex(16)
            self.sessions[session] = secrets.token_hex(16)
            return session, self.sessions[session]

    def token(self, session):
        with self.lock:
            return self.sessions.get(session)

    def forget_sessions(self):
        with self.lock:
            self.sessions.clear()

    def count(self, service, method, path):
        # Ids left out, so that what is alike is counted together.
        shape = re.sub(r"[0-9A-Fa-f-]{24,}[^/]*", "*", path)
        with self.lock:
            self.requests[f"{service} {method} {shape}"] += 1


class Handler(BaseHTTPRequestHandler):
    """One connection. Subclasses have `service`, and `answer(method, path, query, body)`."""

    protocol_version = "HTTP/1.1"
    server_version = "PlaySite"
    service = ""
    timeout = 120
    # Headers and body go in two pieces; the second must not wait until the first is confirmed.
    disable_nagle_algorithm = True
    site = None

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass

    def log_message(self, format, *values):
        pass

    def do_GET(self):
        self.serve()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def serve(self):
        parts = urlsplit(self.path)
        self.site.count(self.service, self.command, parts.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        self.fault = self.site.faults.take(self.service, self.command, self.path)
        self.more_headers = {}
        kind = self.fault["kind"]
        try:
            if kind == "cut":
                raise CutOff
            if kind == "delay":
                time.sleep(self.fault["seconds"])
            if kind == "forget_sessions":
                self.site.forget_sessions()
            if kind == "redirect":
                self.more_headers["Location"] = self.fault["location"]
                self.reply(302, b"", "text/plain")
            elif kind == "status":
                self.reply_page()
            elif kind == "garbage":
                self.reply(200, self.fault["body"].encode(), "application/json")
            elif kind == "code":
                raise Refused(self.fault["status"], self.fault["statusCode"], self.fault.get("message", "On demand"))
            else:
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                self.answer(self.command, parts.path, query, body)
        except Refused as refusal:
            if refusal.status == 401:
                self.more_headers["WWW-Authenticate"] = 'Basic realm="play"'
            self.reply_json({"statusCode": refusal.code, "statusMessage": refusal.message}, refusal.status)
        except CutOff:
            self.cut_off()

    def cut_off(self):
        self.close_connection = True
        self.wfile.flush()
        # What was not read must not turn the end into a reset before the other side has read.
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reply_page(self):
        if "retry_after" in self.fault:
            self.more_headers["Retry-After"] = str(self.fault["retry_after"])
        start = b"<html><body><h1>Something went wrong</h1>\n"
        self.reply(self.fault["status"], start + b"x" * max(0, self.fault.get("bytes", 100) - len(start)), "text/html")

    def reply_json(self, body, status=200):
        self.reply(status, json.dumps(body).encode(), "application/json;charset=UTF-8")

    def reply(self, status, body, kind):
        fault = self.fault["kind"]
        if fault == "lost":
            raise CutOff
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.more_headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault == "short":
            self.wfile.write(body[:self.fault["bytes"]])
            raise CutOff
        step = max(1, int(self.fault.get("rate", 0)) // 10) if fault == "slow" else max(1, len(body))
        for at in range(0, len(body), step):
            self.wfile.write(body[at:at + step])
            if fault == "slow":
                self.wfile.flush()
                time.sleep(0.1)

    def expect_user(self, account):
        """Basic auth with one account; 401 else."""
        scheme, _, coded = (self.headers.get("Authorization") or "").partition(" ")
        try:
            given = base64.b64decode(coded, validate=True).decode()
        except ValueError:
            given = ""
        if scheme.lower() != "basic" or not hmac.compare_digest(given.encode(), ":".join(account).encode()):
            raise Refused(401, 20, "Authentication required")

    def session(self):
        found = re.search(r"JSESSIONID=([0-9a-f]+)", self.headers.get("Cookie") or "")
        return found.group(1) if found else ""

    def offer_token(self):
        """Headers of a GET that say which token writes need."""
        if not self.site.settings.csrf:
            return
        token = self.site.token(self.session())
        if token is None:
            session, token = self.site.new_session()
            self.more_headers["Set-Cookie"] = f"JSESSIONID={session};Path=/;Secure;HttpOnly"
        self.more_headers |= {"X-CSRF-HEADER": "X-CSRF-TOKEN", "X-CSRF-TOKEN": token}

    def expect_token(self):
        token = self.site.token(self.session())
        if self.site.settings.csrf and (token is None or self.headers.get("X-CSRF-TOKEN") != token):
            raise Refused(403, 3, "Missing or invalid Csrf token")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port, handler, site, tls):
        super().__init__(("127.0.0.1", port), type(handler.__name__, (handler,), {"site": site}))
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(site.settings.path("tls/server.pem"), site.settings.path("tls/server.key"))
            # The handshake happens in the connection's own thread, at its first read.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        pass

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
