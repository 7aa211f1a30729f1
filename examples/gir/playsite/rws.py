"""Interaction Recording Web Services: the paths that a muxer needs."""

import fnmatch
import json
import os
import re
from urllib.parse import urlencode

from .tools import time_number
from .web import Handler, Refused

FOREVER = 1 << 60
# What no page of a search may be longer than, whatever is asked for.
LONGEST_PAGE = 100


class RWS(Handler):
    service = "rws"

    def answer(self, method, path, query, body):
        settings = self.site.settings
        center = re.escape(settings.contact_center)
        ops, internal = f"/api/v2/ops/contact-centers/{center}", f"/internal-api/contact-centers/{center}"
        if (method, path) == ("GET", "/api/v2/diagnostics/version"):
            return self.reply_json({"statusCode": 0, "version": settings.version})
        self.expect_user(settings.ops)
        if method in ("GET", "HEAD"):
            self.offer_token()
        else:
            self.expect_token()
        routes = [
            ("GET", "/api/v2/me", self.me),
            ("GET", "/api/v2/ops/contact-centers", self.centers),
            ("GET", f"{ops}/recordings", self.search_calls),
            ("GET", "/api/v2/recordings", self.search_own_calls),
            ("GET", f"{ops}/recordings/([^/]+)", self.one_call),
            ("GET", f"(?:{ops}|/api/v2)/recordings/([^/]+)/play/([^/]+)", self.play),
            ("GET", f"{internal}/screen-recordings/([^/]+)", self.screens_of),
            ("GET", "/internal-api/screen-recordings", self.search_screens),
            ("GET", f"{internal}/screen-recordings/([^/]+)/content/([^/]+)", self.content),
            ("DELETE", f"{internal}/screen-recordings/([^/]+)/content/([^/]+)", self.remove_content),
            ("POST", f"{internal}/screen-recordings", self.register),
            ("GET", f"{ops}/settings/screen-recording-encryption", self.encryption),
            ("GET", "/api/v2/settings/screen-recording", self.storage),
            ("GET", "/api/v2/settings/irp-muxer", self.no_settings),
        ]
        if settings.bulk_path:
            routes.append(("POST", f"{internal}/screen-recordings/{settings.bulk_path}", self.bulk))
        for routed, pattern, action in routes:
            found = re.fullmatch(pattern, path)
            if found and routed == method:
                return action(*found.groups(), query=query, body=body)
        raise Refused(404, 6, "Not found")

    def me(self, query, body):
        self.reply_json({"statusCode": 0, "user": {"userName": self.site.settings.ops[0]}})

    def centers(self, query, body):
        settings = self.site.settings
        self.reply_json({
            "statusCode": 0,
            "uris": [f"{settings.address('rws')}/api/v2/ops/contact-centers/{settings.contact_center}"]})

    # Calls

    def search_own_calls(self, query, body):
        if not query:
            raise Refused(400, 1, "A parameter is missing")
        self.search_calls(query, body)

    def search_calls(self, query, body):
        settings = self.site.settings
        try:
            start = time_number(query.get("startTime", "0"))
            end = time_number(query.get("endTime", str(FOREVER)))
            limit = min(int(query.get("limit", LONGEST_PAGE)), settings.page_limit, LONGEST_PAGE)
            offset = int(query.get("offset", 0))
        except ValueError:
            raise Refused(400, 2, "A parameter is invalid") from None
        if limit < 1 or offset < 0:
            raise Refused(400, 10, "A parameter is out of range")
        unknown = set(query) - {"startTime", "endTime", "limit", "offset", *CRITERIA}
        if unknown:
            raise Refused(400, 2, "A parameter is not known")
        wanted = [(name, query[name]) for name in CRITERIA if name in query]
        found = self.site.store.calls(
            settings.region, start, end, tuple(wanted),
            lambda call: all(CRITERIA[name](call, value) for name, value in wanted))
        answer = {"statusCode": 0, "totalCount": len(found)}
        if self.fault["kind"] == "repeat_page":
            answer[settings.page_links[1]] = self.link(query, offset)
        elif offset + limit < len(found):
            answer[settings.page_links[1]] = self.link(query, offset + limit)
        if offset > 0:
            answer[settings.page_links[0]] = self.link(query, max(0, offset - limit))
        text = f'{json.dumps(answer)[:-1]}, "recordings": [{", ".join(found[offset:offset + limit])}]}}'
        self.reply(200, text.encode(), "application/json;charset=UTF-8")

    def link(self, query, offset):
        path = self.path.partition("?")[0] + "?" + urlencode({**query, "offset": offset})
        settings = self.site.settings
        if settings.names_itself:
            return settings.names_itself + path
        return settings.address("rws") + path if settings.page_links_absolute else path

    def call(self, call_id):
        call = self.site.store.call(call_id, self.site.settings.region)
        if call is None:
            raise Refused(404, 6, f"Recording {call_id} was not found")
        return call

    def one_call(self, call_id, query, body):
        self.reply_json({"statusCode": 0, "recording": self.call(call_id)})

    def play(self, call_id, name, query, body):
        for medium in self.call(call_id)["mediaFiles"]:
            stored = os.path.basename(medium["originalMediaDescriptor"]["path"])
            if stored in (name, name + ".bin"):
                return self.send_stored("recordings", stored, "audio/mpeg")
        raise Refused(404, 6, "No such medium")

    def send_stored(self, folder, name, kind):
        try:
            with open(self.site.settings.path("www", folder, name), "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise Refused(404, 6, "The store has no such file") from None
        self.reply(200, content, kind)

    # Screens

    def screen_recording(self, call, media):
        if not self.site.settings.screen_envelopes:
            media = [{name: value for name, value in medium.items() if name != "pkcs7"} for medium in media]
        return {
            "id": call["id"], "region": call["region"], "startTime": call["startTime"], "stopTime": call["stopTime"],
            "eventHistory": [], "mediaFiles": media}

    def screens_of(self, call_id, query, body):
        media = self.site.store.screens(call_id)
        call = self.call(call_id)
        if not media:
            raise Refused(404, 6, f"Screen recording {call_id} was not found")
        self.reply_json({"statusCode": 0, "recording": self.screen_recording(call, media)})

    def search_screens(self, query, body):
        region, found = self.site.settings.region, []
        for call_id in self.site.store.searched_screen_calls(time_number(query.get("startTime", "0"))):
            call = self.site.store.call(call_id, region)
            if call:
                found.append(self.screen_recording(call, self.site.store.screens(call_id, searched=True)))
        self.reply_json({"statusCode": 0, "recordings": found[:LONGEST_PAGE]})

    def bulk(self, query, body):
        """Screens of several calls. It is a search: the index may lag."""
        asked = self.parsed(body).get("ids")
        if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
            raise Refused(400, 1, "ids are missing")
        found, region = [], self.site.settings.region
        for call_id in asked:
            call, media = self.site.store.call(call_id, region), self.site.store.screens(call_id, searched=True)
            if call and media:
                found.append(self.screen_recording(call, media))
        self.reply_json({"statusCode": 0 if len(found) == len(asked) else 7, "recordings": found})

    def content(self, call_id, name, query, body):
        self.call(call_id)
        for medium in self.site.store.screens(call_id):
            if medium["mediaId"] == name:
                stored = os.path.basename(medium["originalMediaDescriptor"]["path"])
                return self.send_stored("recordings/screen", stored, "video/mp4")
        raise Refused(404, 6, "No such medium")

    def remove_content(self, call_id, name, query, body):
        self.call(call_id)
        removed = self.site.store.remove_screen(call_id, name)
        if not removed:
            raise Refused(404, 6, "No such medium")
        stored = removed[0].get("originalMediaDescriptor", {}).get("path", "")
        if self.site.settings.removes_file:
            try:
                os.unlink(self.site.settings.path("www/recordings/screen", os.path.basename(stored)))
            except FileNotFoundError:
                pass
        self.reply_json({"statusCode": 0})

    def parsed(self, body):
        try:
            value = json.loads(body)
        except ValueError:
            raise Refused(400, 2, "The body is no JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, 2, "The body is no object")
        return value

    def register(self, query, body):
        """Adds media to a call's screen recording; all of one request, or none."""
        value, settings = self.parsed(body), self.site.settings
        for name in ("id", "region", "mediaFiles"):
            if not value.get(name):
                raise Refused(400, 1, f"{name} is missing")
        if value["region"] != settings.region:
            raise Refused(400, 2, "The region is another one")
        call = self.call(value["id"])
        for medium in value["mediaFiles"]:
            for name in ("mediaId", "type", "startTime", "stopTime", "duration", "size", "mediaDescriptor"):
                if not medium.get(name):
                    raise Refused(400, 1, f"{name} is missing in mediaFiles")
            float(medium["duration"])
        with self.site.store.lock:
            standing = {medium["mediaId"] for medium in self.site.store.screens(call["id"])}
            for medium in value["mediaFiles"]:
                if medium["mediaId"] in standing:
                    if settings.same_media_id == "refuse":
                        raise Refused(409, 18, "The medium exists already")
                    if settings.same_media_id == "replace":
                        self.site.store.remove_screen(call["id"], medium["mediaId"])
            for medium in value["mediaFiles"]:
                self.site.store.add_screen(
                    call["id"], self.kept(call, medium), time_number(medium["startTime"]),
                    time_number(medium["stopTime"]), lag=settings.index_lag)
        self.reply_json({"statusCode": 0, "id": call["id"]})

    def kept(self, call, medium):
        """As a GET shows what a POST brought: the duration in milliseconds, the descriptor under its other name."""
        settings = self.site.settings
        path = f"/contact-centers/{settings.contact_center}/screen-recordings/{call['id']}/content/{medium['mediaId']}"
        body = {name: value for name, value in medium.items() if name != "mediaDescriptor"}
        return body | {
            "duration": str(round(float(medium["duration"]) * 1000)), "size": str(medium["size"]),
            "mediaUri": f"{settings.address('rws')}/internal-api{path}", "mediaPath": path,
            "originalMediaDescriptor": medium["mediaDescriptor"]}

    # Settings

    def encryption(self, query, body):
        with open(self.site.settings.path("keys/new.pem"), encoding="ascii") as file:
            certificate = file.read()
        self.reply_json({
            "statusCode": 0, "key": "name", "settings": [
                {"name": "certificatealias-1", "value": "rcs_Tenant:101:CN=recordings new,O=Tenant:1"},
                {"name": "certificate-1", "value": certificate}]})

    def storage(self, query, body):
        path = f"{self.site.settings.address('dav')}/recordings/screen/"
        self.reply_json({
            "statusCode": 0, "key": "name", "settings": [
                {"name": "storage", "value": [{"storageType": "webDAV", "active": True,
                                               "credential": {"storagePath": path}}]}]})

    def no_settings(self, query, body):
        raise Refused(403, 5, "No permission")


def contains(haystack, wanted):
    """Words separated by blanks, each with wildcards, any of them; `AND` between them means all."""
    if " AND " in wanted:
        return all(contains(haystack, part.strip()) for part in wanted.split(" AND "))
    return any(fnmatch.fnmatchcase(hay, word) for word in wanted.split() for hay in haystack)


def plain(text):
    """Only letters, digits and the wildcard."""
    return re.sub(r"[^0-9A-Za-z*]", "", text)


def user_names(call):
    contacts = [event.get("contact", {}) for event in call["eventHistory"]]
    return [contact[part].lower() for contact in contacts for part in ("userName", "firstName", "lastName") if part in contact]


def user_data(call):
    return [value for event in call["eventHistory"] for value in event.get("data", {}).values()]


CRITERIA = {
    "callerPhoneNumber": lambda call, wanted: fnmatch.fnmatchcase(plain(call["callerPhoneNumber"]), plain(wanted)),
    "dialedPhoneNumber": lambda call, wanted: fnmatch.fnmatchcase(plain(call["dialedPhoneNumber"]), plain(wanted)),
    # The keyword is in capitals, what it joins is in any case.
    "userName": lambda call, wanted: contains(user_names(call), " AND ".join(p.lower() for p in wanted.split(" AND "))),
    "userData": lambda call, wanted: contains(user_data(call), wanted),
}
