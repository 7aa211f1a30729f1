"""A way to the WebDAV store that can be cut."""

import select
import socket
import threading
import time


class Way:
    """Passes bytes on to the store. A rule holds for one connection: {"kind": "cut_up" | "cut_down" | "stall", "bytes": N,
    "seconds": S}: after N bytes from the client (to it), close both sides or stand still."""

    KINDS = ("cut_up", "cut_down", "stall")

    def __init__(self, port, upstream):
        self.upstream = upstream
        self.rules = []
        # Connections that a rule has cut or held up.
        self.met = 0
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
            self.rules, self.met = [], 0

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
                    with self.lock:
                        self.met += 1
                    if rule["kind"] != "stall":
                        (server if side is client else client).sendall(data[:max(0, rule["bytes"] - passed[side])])
                        return
                    time.sleep(rule["seconds"])
                    rule = {}
                passed[side] += len(data)
                (server if side is client else client).sendall(data)
