"""The Recording Crypto Server: fetches, decrypts, hands on."""

import os
import re

from .envelope import decrypt
from .web import Handler, Refused


class RCS(Handler):
    service = "rcs"

    def answer(self, method, path, query, body):
        settings = self.site.settings
        if (method, path) == ("GET", "/rcs/version"):
            return self.reply_json({"statusCode": 0, "version": settings.version})
        self.expect_user(settings.admin)
        center = f"/rcs/contact-centers/{re.escape(settings.contact_center)}"
        screens = center if settings.rcs_has_center else "/rcs"
        for pattern, is_screen in (
                ("/rcs/recordings/([^/]+)/play/([^/]+)", False), (f"{center}/user-recordings/([^/]+)/play/([^/]+)", False),
                (f"{screens}/screen-recordings/([^/]+)/content/([^/]+)", True),
                (f"{center}/user-screen-recordings/([^/]+)/play/([^/]+)", True)):
            found = re.fullmatch(pattern, path)
            if found and method == "GET":
                return self.stream(*found.groups(), is_screen)
        raise Refused(404, 6, "Not found")

    def stream(self, call_id, name, is_screen):
        settings, store = self.site.settings, self.site.store
        call = store.call(call_id, settings.region)
        if call is None:
            raise Refused(404, 6, "No such recording")
        for medium in store.screens(call_id) if is_screen else call["mediaFiles"]:
            stored = os.path.basename(medium["originalMediaDescriptor"]["path"])
            if medium["mediaId"] == name or stored in (name, name + ".bin"):
                path = settings.path("www/recordings/screen" if is_screen else "www/recordings", stored)
                clear = self.clear(medium.get("pkcs7"), path)
                return self.reply(200, clear, "video/mp4" if is_screen else "audio/mpeg")
        raise Refused(404, 6, "No such medium")

    def clear(self, envelope, path):
        if not envelope:
            with open(path, "rb") as file:
                return file.read()
        # Media of one kind are links to one file: it is decrypted once.
        status = os.stat(path)
        place = envelope, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        clear = self.site.decrypted.get(place)
        if clear is None:
            clear = self.decrypted(envelope, path)
            if len(self.site.decrypted) >= 100:
                self.site.decrypted.clear()
            self.site.decrypted[place] = clear
        return clear

    def decrypted(self, envelope, path):
        for name in ("new", "old"):
            try:
                return decrypt(
                    envelope, path, self.site.settings.path("keys", name + ".key"),
                    self.site.settings.path("keys", name + ".pem"))
            except SystemExit:
                continue
        raise Refused(500, 4, "No key fits")
