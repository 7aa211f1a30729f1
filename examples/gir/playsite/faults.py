"""Faults on demand: rules that the control path takes, each for so many requests that match."""

import re
import threading

KINDS = {
    "status": "answer `status` with `bytes` of an HTML page, and `retry_after` if given",
    "code": "answer HTTP `status` with the body's `statusCode`, and `message`",
    "delay": "wait `seconds`, then do it",
    "cut": "close the connection and do nothing",
    "lost": "do it, and close the connection instead of the answer",
    "short": "do it, and close the connection after `bytes` of the answer's body",
    "slow": "do it, and answer `rate` bytes a second",
    "redirect": "answer 302 to `location`",
    "repeat_page": "do it, and name this very page as the next",
    "garbage": "answer 200 with `body`, which need not be JSON",
    "forget_sessions": "do it, after all sessions were forgotten",
}


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def add(self, rule):
        if rule.get("kind") not in KINDS:
            raise ValueError(f"There is no fault {rule.get('kind')}: there are {', '.join(KINDS)}.")
        known = {"kind", "service", "method", "path", "times", "skip", "status", "bytes", "retry_after", "statusCode",
                 "message", "seconds", "rate", "location", "body"}
        if set(rule) - known:
            raise ValueError(f"A fault has no {', '.join(sorted(set(rule) - known))}.")
        rule = {"service": "rws", "method": ".*", "path": ".*", "times": 1, "skip": 0, **rule, "met": 0}
        re.compile(rule["path"])
        with self.lock:
            self.rules.append(rule)

    def clear(self):
        with self.lock:
            self.rules = []

    def met(self):
        with self.lock:
            return [dict(rule) for rule in self.rules]

    def take(self, service, method, path):
        """The first rule that is due for this request, or an empty one. `times` -1 never ends."""
        with self.lock:
            for rule in self.rules:
                if rule["service"] != service or not re.fullmatch(rule["method"], method):
                    continue
                if rule["times"] == 0 or not re.search(rule["path"], path):
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                rule["times"] -= 1 if rule["times"] > 0 else 0
                rule["met"] += 1
                return dict(rule)
        return {"kind": None}
