"""The command line of the play site."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

from .dav import Way
from .faults import KINDS, Faults
from .generate import make_site
from .proof import proof
from .rcs import RCS
from .rws import RWS
from .settings import CHOICES, Settings
from .store import Store
from .stores import Stores
from .verdict import verdict
from .web import Handler, Refused, Server, Site


class Control(Handler):
    """Over plain HTTP without a login, for whoever plays: faults, counts, late screens, results, the verdict."""

    service = "control"
    way = None
    stores = None

    def answer(self, method, path, query, body):
        site = self.site
        try:
            given = json.loads(body) if body else {}
            if (method, path) == ("POST", "/faults"):
                (self.way if given.get("service") == "webdav" else site.faults).add(given)
            elif (method, path) == ("DELETE", "/faults"):
                site.faults.clear()
                self.way.clear()
            elif (method, path) == ("GET", "/faults"):
                return self.reply_json(site.faults.met() + [{"service": "webdav", "met": self.way.met}])
            elif (method, path) == ("POST", "/choices"):
                self.choose(given)
            elif (method, path) == ("GET", "/requests"):
                with site.lock:
                    return self.reply_json(dict(site.requests))
            elif (method, path) == ("DELETE", "/requests"):
                with site.lock:
                    site.requests.clear()
            elif (method, path) == ("POST", "/late"):
                count = site.store.let_late_screens_go(site.settings.index_lag)
                site.store.remember("late screens let go", True)
                return self.reply_json({"count": count})
            elif (method, path) == ("DELETE", "/results"):
                names = site.store.forget_results()
                for name in names:
                    try:
                        os.unlink(site.settings.path("www/recordings/screen", os.path.basename(name)))
                    except FileNotFoundError:
                        pass
                return self.reply_json({"count": len(names)})
            elif (method, path) == ("GET", "/verdict"):
                counts, good = verdict(site.settings, site.store)
                return self.reply_json({**counts, "good": good})
            else:
                raise Refused(404, 6, "Not found")
        except (ValueError, KeyError) as problem:
            raise Refused(400, 2, str(problem)) from None
        self.reply_json({"statusCode": 0})

    def choose(self, given):
        if set(given) - set(CHOICES):
            raise ValueError(f"There is no such choice: there are {', '.join(CHOICES)}.")
        if "store" in given:
            self.stores.switch(given["store"])
        self.site.settings.values.update(given)


def run_site(settings, until_input_ends, and_remove):
    """Serves until SIGTERM, SIGINT, or the end of standard input where that was asked for."""
    stores = Stores(settings)
    store, faults = Store(settings.path("site.db")), Faults()
    site = Site(settings, store, faults)
    way = Way(settings.ports["dav"], settings.ports["store"])
    Control.way, Control.stores = way, stores
    servers = [
        Server(settings.ports["rws"], RWS, site, tls=True), Server(settings.ports["rcs"], RCS, site, tls=True),
        Server(settings.ports["control"], Control, site, tls=False)]
    stores.switch(settings.store)
    for server in [way, *servers]:
        server.start()

    def stop(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print("ready", flush=True)
    try:
        if until_input_ends:
            sys.stdin.read()
        else:
            stores.wait()
    finally:
        stores.stop()
        if and_remove:
            shutil.rmtree(settings.directory, ignore_errors=True)


def start(settings):
    with open(settings.path("log/site.log"), "ab") as log:
        child = subprocess.Popen(
            [sys.executable, os.path.abspath(sys.argv[0]), "run", settings.directory], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True)
    for _ in range(300):
        if child.poll() is not None:
            raise SystemExit(f"The site did not start: see {settings.path('log/site.log')}.")
        try:
            control(settings, "GET", "/requests")
            break
        except OSError:
            time.sleep(0.05)
    with open(settings.path("run/site.pid"), "w", encoding="ascii") as file:
        file.write(str(child.pid))
    for service in ("rws", "rcs", "dav", "control"):
        print(f"{service:8}{settings.address(service)}")
    print(f"muxer.cfg and tls/ca.pem are in {settings.directory}")


def stop(settings):
    try:
        with open(settings.path("run/site.pid"), encoding="ascii") as file:
            number = int(file.read())
        with open(f"/proc/{number}/cmdline", "rb") as file:
            if settings.directory.encode() not in file.read():
                raise FileNotFoundError
    except FileNotFoundError:
        print("It does not run.")
        return
    os.kill(number, signal.SIGTERM)
    while os.path.exists(f"/proc/{number}"):
        time.sleep(0.05)
    os.unlink(settings.path("run/site.pid"))


def control(settings, method, path, value=None):
    request = urllib.request.Request(
        settings.address("control") + path, method=method, data=None if value is None else json.dumps(value).encode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        raise SystemExit(json.load(refusal)["statusMessage"]) from None


def arguments():
    parser = argparse.ArgumentParser(prog="gir", description="A GIR site to play with, on loopback only.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name, help):
        added = verbs.add_parser(name, help=help)
        added.add_argument("directory", type=os.path.abspath)
        return added

    made = verb("make", "make a directory with certificates, media, metadata and muxer.cfg")
    made.add_argument("--recordings", type=int, default=60)
    made.add_argument("--results", type=int, help="as many recordings as make so many results, late ones not counted")
    made.add_argument("--like", type=os.path.abspath, help="a site of this file system whose media and keys are used again")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--span-minutes", type=int, default=720, help="how far back recordings reach")
    made.add_argument("--encrypted", type=float, default=0.4, help="share of recordings that are encrypted")
    made.add_argument("--choices", type=json.loads, default={}, help="JSON: " + ", ".join(CHOICES))
    ran = verb("run", "serve in the foreground until SIGTERM")
    ran.add_argument("--until-input-ends", action="store_true", help="end with standard input, too")
    ran.add_argument("--and-remove", action="store_true", help="remove the directory at the end")
    verb("start", "serve in the background")
    verb("stop", "stop what runs in the background")
    fault = verb("fault", "let something go wrong: " + "; ".join(f"{name}: {text}" for name, text in KINDS.items()))
    fault.add_argument("rule", type=json.loads, nargs="?", help="JSON; nothing takes all faults away")
    verb("late", "let the late screens come")
    verb("forget", "take all results away, so that the work begins anew")
    verb("requests", "how often what was asked")
    verb("verdict", "compare the results with the truth")
    verb("proof", "open each result as who plays it would, and compare its length with the truth")
    return parser.parse_args()


def main():
    given = arguments()
    if given.verb == "make":
        make_site(
            given.directory, given.recordings, given.results, given.seed, given.span_minutes, given.encrypted,
            given.choices, given.like)
        return 0
    settings = Settings.load(given.directory)
    if given.verb == "run":
        run_site(settings, given.until_input_ends, given.and_remove)
    elif given.verb == "start":
        start(settings)
    elif given.verb == "stop":
        stop(settings)
    elif given.verb == "fault":
        control(settings, "DELETE" if given.rule is None else "POST", "/faults", given.rule)
    elif given.verb == "late":
        print(control(settings, "POST", "/late")["count"])
    elif given.verb == "forget":
        print(control(settings, "DELETE", "/results")["count"])
    elif given.verb == "requests":
        for name, count in sorted(control(settings, "GET", "/requests").items()):
            print(f"{count:8} {name}")
    elif given.verb == "verdict":
        found = control(settings, "GET", "/verdict")
        print(json.dumps(found, indent=1))
        return 0 if found["good"] else 1
    elif given.verb == "proof":
        found = proof(settings, Store(settings.path("site.db")))
        print(json.dumps(found, indent=1))
        return 0 if found["wrong"] == 0 else 1
    return 0
