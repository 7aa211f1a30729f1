"""Children of the site: openssl, ffmpeg, servers of the store."""

import ctypes
import datetime
import signal
import subprocess


def run(*command, data=None):
    """What the program wrote to its standard output; one that fails ends with what it had to say."""
    ended = subprocess.run(command, input=data, capture_output=True, check=False)
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace")[-2000:]
        raise SystemExit(f"{command[0]} {command[1]} ended with {ended.returncode}: {said}")
    return ended.stdout


def die_with_parent():
    """Between fork and exec: the kernel ends the child when this process is gone."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def time_text(milliseconds):
    """As RWS writes times: whole seconds, whatever was measured."""
    at = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def time_number(text):
    """Milliseconds since 1970 of a number or a text that RWS takes."""
    if text.lstrip("-").isdigit():
        return int(text)
    for form in ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"):
        try:
            return int(datetime.datetime.strptime(text, form).timestamp() * 1000)
        except ValueError:
            pass
    raise ValueError(f"{text} is no time")
