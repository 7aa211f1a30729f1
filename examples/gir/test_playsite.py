"""What the play site promises: python3 -m unittest, in this directory."""

import base64
import hashlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))


class PlaySite(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.mkdtemp(prefix="takeup-gir-")
        cls.addClassCleanup(shutil.rmtree, scratch)
        os.chmod(scratch, 0o755)
        cls.directory = os.path.join(scratch, "site")
        cls.gir("make", cls.directory, "--recordings", "120", "--seed", "7", "--encrypted", "0.5")
        cls.gir("start", cls.directory)
        cls.addClassCleanup(cls.gir, "stop", cls.directory)
        with open(os.path.join(cls.directory, "site.json"), encoding="utf-8") as file:
            cls.settings = json.load(file)
        with open(os.path.join(cls.directory, "truth.json"), encoding="utf-8") as file:
            cls.truth = json.load(file)
        center = cls.settings["contact_center"]
        cls.ops = f"/api/v2/ops/contact-centers/{center}"
        cls.internal = f"/internal-api/contact-centers/{center}"

    @classmethod
    def gir(cls, *words):
        return subprocess.run([sys.executable, os.path.join(HERE, "gir"), *words], check=True, capture_output=True).stdout

    def tearDown(self):
        self.gir("fault", self.directory)
        self.choose(csrf=True, index_lag=0, same_media_id="refuse", page_links=["previousUri", "nextUri"])

    def choose(self, **choices):
        self.ask("control", "POST", "/choices", choices)

    def ask(self, service, method, path, body=None, user=None, headers=None):
        """(status, headers, bytes). `path` may be a whole address."""
        port = self.settings["ports"][service]
        if service == "control":
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        else:
            context = ssl.create_default_context(cafile=os.path.join(self.directory, "tls/ca.pem"))
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
        headers = dict(headers or {})
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def rws(self, method, path, body=None, headers=None):
        status, got, content = self.ask("rws", method, path, body, self.settings["ops"], headers)
        return status, got, json.loads(content)

    def session(self):
        _, headers, _ = self.rws("GET", "/api/v2/me")
        return {headers["X-CSRF-HEADER"]: headers["X-CSRF-TOKEN"], "Cookie": headers["Set-Cookie"].split(";")[0]}

    def every_call(self):
        path, found = f"{self.ops}/recordings?startTime=0&limit=50", []
        while path:
            _, _, page = self.rws("GET", path)
            found += page["recordings"]
            path = page.get("nextUri")
        return found

    def result(self, name="result.mp4", call=None):
        first = next(each for each in self.truth if not each["late"])
        return {"id": call or first["call"], "region": "eu1", "mediaFiles": [{
            "mediaId": name, "type": "video/mp4", "startTime": "2026-01-01T10:00:00Z", "stopTime": "2026-01-01T10:00:05Z",
            "duration": "5.25", "size": "3",
            "mediaDescriptor": {"storage": "webDAV", "path": name, "data": {"storagePath": "https://127.0.0.1/x/"}},
            "parameters": {"muxed_mediaIds": first["media"], "region": "eu1"}}]}

    def test_the_version_needs_no_login_and_all_else_does(self):
        self.assertEqual(self.ask("rws", "GET", "/api/v2/diagnostics/version")[0], 200)
        status, headers, _ = self.ask("rws", "GET", "/api/v2/me")
        self.assertEqual((status, "WWW-Authenticate" in headers), (401, True))
        self.assertEqual(self.ask("rcs", "GET", "/rcs/version")[0], 200)
        self.assertEqual(self.ask("rcs", "GET", "/rcs/version/")[0], 401)

    def test_a_search_goes_in_pages_of_a_hundred_at_most(self):
        _, _, page = self.rws("GET", f"{self.ops}/recordings?startTime=0&limit=1000")
        self.assertEqual(len(page["recordings"]), 100)
        calls = self.every_call()
        self.assertEqual(len({call["id"] for call in calls}), page["totalCount"])
        self.assertNotIn("us2", {call["region"] for call in calls})

    def test_searches_keep_to_their_criteria(self):
        marked = "userData=SRSScreenRecordingStateStarted"
        _, _, page = self.rws("GET", f"{self.ops}/recordings?{marked}&startTime=0")
        self.assertLess(page["totalCount"], len(self.every_call()))
        number = page["recordings"][0]["callerPhoneNumber"]
        _, _, one = self.rws("GET", f"{self.ops}/recordings?callerPhoneNumber={number[:6]}*")
        self.assertIn(number, {call["callerPhoneNumber"] for call in one["recordings"]})
        self.assertEqual(self.rws("GET", "/api/v2/recordings")[2]["statusCode"], 1)

    def test_writes_need_a_token_of_their_session(self):
        self.assertEqual(self.rws("POST", f"{self.internal}/screen-recordings", self.result())[0], 403)
        token = self.session()
        self.gir("fault", self.directory, '{"kind": "forget_sessions", "method": "POST"}')
        self.assertEqual(self.rws("POST", f"{self.internal}/screen-recordings", self.result(), token)[0], 403)
        self.choose(csrf=False)
        self.assertNotIn("X-CSRF-TOKEN", self.rws("GET", "/api/v2/me")[1])
        self.assertEqual(self.rws("POST", f"{self.internal}/screen-recordings", {}, {})[2]["statusCode"], 1)

    def test_a_result_is_there_at_once_by_its_id_and_later_in_searches(self):
        self.choose(index_lag=60)
        call = next(each["call"] for each in self.truth if not each["late"])
        posted = self.rws("POST", f"{self.internal}/screen-recordings", self.result("new.mp4"), self.session())
        self.assertEqual(posted[2]["statusCode"], 0)
        _, _, one = self.rws("GET", f"{self.internal}/screen-recordings/{call}")
        medium = one["recording"]["mediaFiles"][-1]
        self.assertEqual((medium["mediaId"], medium["duration"]), ("new.mp4", "5250"))
        _, _, bulk = self.rws("POST", f"{self.internal}/screen-recordings/bulk", {"ids": [call]}, self.session())
        self.assertNotIn("new.mp4", [medium["mediaId"] for medium in bulk["recordings"][0]["mediaFiles"]])
        again = self.rws("POST", f"{self.internal}/screen-recordings", self.result("new.mp4"), self.session())
        self.assertEqual((again[0], again[2]["statusCode"]), (409, 18))
        gone = self.rws("DELETE", f"{self.internal}/screen-recordings/{call}/content/new.mp4", None, self.session())
        self.assertEqual(gone[0], 200)

    def test_a_recording_of_another_region_is_not_found(self):
        import sqlite3
        base = sqlite3.connect(os.path.join(self.directory, "site.db"))
        call = base.execute("SELECT id FROM call WHERE region = 'us2'").fetchone()[0]
        base.close()
        status, _, body = self.rws("GET", f"{self.ops}/recordings/{call}")
        self.assertEqual((status, body["statusCode"]), (404, 6))

    def test_encrypted_media_are_bare_ciphertext_and_rcs_gives_them_clear(self):
        encrypted = {each["call"] for each in self.truth if each["encrypted"]}
        call = next(call for call in self.every_call() if call["id"] in encrypted)
        medium = call["mediaFiles"][0]
        self.assertTrue(medium["originalMediaDescriptor"]["path"].endswith(".mp3.bin"))
        stored = self.ask(
            "dav", "GET", urlsplit(medium["originalMediaDescriptor"]["path"]).path, user=self.settings["webdav"])[2]
        self.assertEqual(len(stored), int(medium["size"]))
        clear = self.ask("rcs", "GET", "/rcs" + medium["mediaPath"], user=self.settings["admin"])[2]
        pool = {}
        for name in os.listdir(os.path.join(self.directory, "pool")):
            with open(os.path.join(self.directory, "pool", name), "rb") as file:
                pool[hashlib.sha256(file.read()).digest()] = name
        self.assertTrue(pool[hashlib.sha256(clear).digest()].endswith("-sound.mp3"))
        self.assertTrue(pool[hashlib.sha256(stored).digest()].endswith("-sound.mp3.bin"))

    def test_the_store_moves_without_overwriting(self):
        user, base = self.settings["webdav"], "/recordings/screen/"
        self.assertEqual(self.ask("dav", "PUT", base + "a", b"abc")[0], 401)
        self.assertEqual(self.ask("dav", "PUT", base + "a", b"abc", user)[0], 201)
        self.assertEqual(self.ask("dav", "PUT", base + "b", b"bcd", user)[0], 201)
        target = {"Destination": f"https://127.0.0.1:{self.settings['ports']['dav']}{base}b", "Overwrite": "F"}
        self.assertEqual(self.ask("dav", "MOVE", base + "a", None, user, target)[0], 412)
        self.assertEqual(json.loads(self.ask("control", "GET", "/verdict")[2])["orphans"], 2)
        for name in "ab":
            self.assertEqual(self.ask("dav", "DELETE", base + name, None, user)[0], 204)

    def test_late_screens_come_when_they_are_let_go(self):
        call = next(each["call"] for each in self.truth if each["late"])
        self.assertEqual(self.rws("GET", f"{self.internal}/screen-recordings/{call}")[0], 404)
        self.assertGreater(int(self.gir("late", self.directory)), 0)
        self.assertEqual(self.rws("GET", f"{self.internal}/screen-recordings/{call}")[0], 200)

    def test_faults_come_as_often_as_they_were_asked_for(self):
        path = "/api/v2/diagnostics/version"
        for rule, check in (
                ({"kind": "status", "status": 503, "bytes": 1 << 20, "retry_after": 7},
                 lambda: self.assertEqual((self.ask("rws", "GET", path)[0], len(self.ask("rws", "GET", path)[2]) < 100), (503, True))),
                ({"kind": "cut"}, lambda: self.assertRaises((OSError, http.client.HTTPException), self.ask, "rws", "GET", path)),
                ({"kind": "lost"}, lambda: self.assertRaises((OSError, http.client.HTTPException), self.ask, "rws", "GET", path)),
                ({"kind": "short", "bytes": 5}, lambda: self.assertRaises((OSError, http.client.HTTPException), self.ask, "rws", "GET", path)),
                ({"kind": "redirect", "location": "https://127.0.0.1:1/"}, lambda: self.assertEqual(self.ask("rws", "GET", path)[0], 302)),
                ({"kind": "code", "status": 200, "statusCode": 4},
                 lambda: self.assertEqual(json.loads(self.ask("rws", "GET", path)[2])["statusCode"], 4)),
                ({"kind": "garbage", "body": "<html>"}, lambda: self.assertEqual(self.ask("rws", "GET", path)[2], b"<html>"))):
            self.ask("control", "POST", "/faults", rule)
            check()
            self.assertEqual(self.ask("rws", "GET", path)[0], 200, rule)
        self.assertEqual(self.ask("control", "POST", "/faults", {"kind": "nonsense"})[0], 400)

    def test_the_way_to_the_store_can_be_cut(self):
        self.ask("control", "POST", "/faults", {"service": "webdav", "kind": "cut_up", "bytes": 20_000})
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.ask("dav", "PUT", "/recordings/screen/cut", b"x" * 100_000, self.settings["webdav"])
        self.assertEqual(self.ask("dav", "GET", "/recordings/screen/cut", None, self.settings["webdav"])[0], 404)


if __name__ == "__main__":
    unittest.main()
