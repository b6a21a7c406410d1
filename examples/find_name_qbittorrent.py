#!/usr/bin/env python3
"""Ask a qBittorrent for the .torrent of an info-hash, and print where it is: a program for `[resolvers.command]`.

    [resolvers.command]
    argv = ["/path/to/examples/find_name_qbittorrent.py", "{info_hash}"]

QBITTORRENT_URL, QBITTORRENT_USERNAME and QBITTORRENT_PASSWORD say where it is and who logs in. It needs Python 3.9 or
newer, nothing else, and a qBittorrent from 4.5 to 5.1 (any newer one that still takes the same words, too).

What is there already is exported as it is. Anything else is added, to stop when its metadata has come, and deleted
before this ends: also on SIGTERM, which is what calibot sends when the time is over or nobody waits any more. It is
known by its category, its tag and its folder, of which nobody else has any. Where this is killed, or qBittorrent is
gone just then, the next run deletes it: a file of that tag, in the folder for temporary ones, is locked as long as its
run lives. calibot reads the file when this has ended, and does not remove it: the first run that comes ten minutes
later does.

A wrong password is tried once, since after five qBittorrent bans this machine's address: a file is left in the folder
for temporary ones, and as long as it is there nobody logs in at that address by that name again. The line that calibot
shows tells its path: delete it when the password is right. No proxy is used, whatever the environment says: it would
learn the password.
"""

import contextlib
import fcntl
import http.client
import http.cookiejar
import json
import os
import re
import secrets
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CATEGORY = "find-name"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KEPT = 600  # seconds that a file is kept, and that a torrent may be there of which no file tells whether its run lives
# Empty files and links are made as soon as there is metadata: so it is below what is no folder. Windows would make that
# one; there a name of more than 255 characters cannot be.
NOWHERE = "/dev/null/" + "nothing-is-saved-here." * 12
SAID = {"hash", "tags", "save_path", "added_on"}  # of each torrent, beside what is not always said
PATIENCE = 1.5  # seconds in which what was added appears
ANSWER = 5  # seconds that one answer may take


class Trouble(Exception):
    """Why there is no name; calibot shows the last line that is written to standard error."""


class Refused(Trouble):
    """Nobody is let in by that name and password."""


class Server:
    """Asks the Web API at *url*."""

    def __init__(self, url):
        if not is_address(url):
            raise Trouble("QBITTORRENT_URL must be an http or https address, such as http://127.0.0.1:8080")
        self._base = url.rstrip("/") + "/api/v2/"
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
        )

    def ask(self, word, **given):
        """Return the bytes of the answer; None where it has none to give: 404 or 409."""
        data = urllib.parse.urlencode(given).encode()
        try:
            with self._opener.open(self._base + word, data, timeout=ANSWER) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code in {404, 409}:
                return None
            if error.code == 401:
                raise Refused("qBittorrent does not let us in") from None
            raise Trouble(f"qBittorrent answers with status {error.code}") from None
        except OSError:
            raise Trouble("qBittorrent does not answer") from None
        except http.client.HTTPException:
            raise Trouble("what answers is no qBittorrent") from None

    def log_in(self, username, password):
        if username:
            who = json.dumps([self._base, username]) + "\n"
            with Path(own_folder(), "login").open("a+") as mark:
                fcntl.flock(mark, fcntl.LOCK_EX)  # several at once try a wrong password once, too
                mark.seek(0)
                refused = who in mark
                if not refused and not self._lets_in(username, password):
                    mark.write(who)
                    refused = True
                if refused:
                    raise Trouble(
                        f"qBittorrent does not let us in: put the name and password right, then delete {mark.name}"
                    )
        version = (self.ask("app/webapiVersion") or b"").decode("ascii", "replace")
        if not re.fullmatch(r"\d+(\.\d+)+", version) or [int(one) for one in version.split(".")] < [2, 8, 18]:
            raise Trouble("this qBittorrent is older than 4.5: it would go on to the payload")

    def _lets_in(self, username, password):
        try:
            said = self.ask("auth/login", username=username, password=password)
        except Refused:  # since 5.2
            return False
        if said not in {b"Ok.", b"", b"Fails."}:  # since 5.2 it is empty where it lets us in
            raise Trouble("what answers is no qBittorrent")
        return said != b"Fails."

    def torrents(self, **wanted):
        try:
            listed = json.loads(self.ask("torrents/info", **wanted) or b"[]")
        except (ValueError, RecursionError):
            listed = None
        if not isinstance(listed, list) or not all(isinstance(one, dict) and one.keys() >= SAID for one in listed):
            raise Trouble("what answers is no qBittorrent")
        return listed


def is_address(url):
    try:
        parts = urllib.parse.urlsplit(url)
        (parts.hostname or "").encode("idna")
        if not (url.isascii() and url.isprintable()) or " " in url:
            return False
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def find(server, info_hash):
    """Return the bytes of the .torrent of *info_hash*; wait for it as long as it takes."""
    while True:
        content = looked_for(server, info_hash)
        if content:
            return content
        time.sleep(0.3)


def looked_for(server, info_hash):
    """Return the bytes of the .torrent of *info_hash*; None where it has gone, as another run's does at its end."""
    listed = server.torrents()
    theirs = [one["hash"] for one in listed if is_of(one, info_hash)]
    if theirs:
        return waited_for(server, lambda: server.torrents(hashes=theirs[0]))
    # 4.5.2 crashes when it has a hybrid twice, by its v1 and by its v2, and metadata comes for one of them.
    if len(info_hash) != 40:
        raise Trouble("by its v2 info-hash a torrent is not looked for, only read when it is there")
    if any(one.get("total_size", -1) <= 0 and one.get("infohash_v2") and not one.get("infohash_v1") for one in listed):
        raise Trouble("while a torrent of a v2 info-hash alone waits for its metadata there, nothing is added")
    tag = f"{CATEGORY}-{secrets.token_hex(6)}"
    with mark_of(tag).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        added = True
        try:
            said = server.ask(
                "torrents/add",
                urls=f"magnet:?xt=urn:btih:{info_hash}",
                category=CATEGORY,
                tags=tag,
                savepath=f"{NOWHERE}/.{tag}",
                stopCondition="MetadataReceived",
                paused="false",
                stopped="false",  # as 5.0 calls it
                autoTMM="false",
                useDownloadPath="false",
            )
            added = said != b"Fails."  # else another run was faster
            return waited_for(server, lambda: ours(server, tag)) if added else None
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # it is being done
            try:
                if added:
                    appeared(server, tag)
                take_away(server, tag)
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def is_of(torrent, info_hash):
    named = {torrent.get(key) for key in ("hash", "infohash_v1", "infohash_v2")}
    return info_hash in named or info_hash[:40] in named


def waited_for(server, listed):
    """Return the .torrent of the one that is *listed*, when its metadata has come; None where it has gone."""
    missing = 0
    while missing < 10:
        torrents = listed()
        missing = 0 if torrents else missing + 1
        for one in torrents:
            if one.get("total_size", -1) > 0:
                content = server.ask("torrents/export", hash=one["hash"])
                if content:
                    return content
        time.sleep(0.3)
    return None


def ours(server, tag):
    """Return what has our category, *tag* and folder: what its owner has taken over has not."""
    there = server.torrents(category=CATEGORY, tag=tag)
    return [one for one in there if re.split(r"[/\\]", one["save_path"].rstrip("/\\"))[-1] == f".{tag}"]


def appeared(server, tag):
    """Return when what was added is listed, which takes a moment, or never will be."""
    until = time.monotonic() + PATIENCE
    while not ours(server, tag) and time.monotonic() < until:
        time.sleep(0.05)


def take_away(server, tag):
    """Delete exactly what has *tag*, and no file; then tag and mark, and the category where that is empty."""
    for one in ours(server, tag):
        server.ask(
            "torrents/delete", hashes=one["hash"], deleteFiles="false"
        )  # their owner may have moved it meanwhile
    if not server.torrents(tag=tag):
        server.ask("torrents/deleteTags", tags=tag)
    if not server.torrents(category=CATEGORY):
        server.ask("torrents/removeCategories", categories=CATEGORY)
    mark_of(tag).unlink(missing_ok=True)


def take_away_old(server):
    """Delete what runs have left that are over."""
    for one in server.torrents(category=CATEGORY):
        for tag in one["tags"].split(", "):
            if re.fullmatch(CATEGORY + "-[0-9a-f]{12}", tag) and is_over(tag, one["added_on"]):
                take_away(server, tag)


def mark_of(tag):
    """Return the path of the file that is locked as long as the run lives that has *tag*."""
    return own_folder() / tag


def is_over(tag, added_on):
    """Whether the run is over that has *tag*: where there is no mark of it, by when its torrent was *added_on*."""
    try:
        with mark_of(tag).open() as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return time.time() - added_on > KEPT
    except BlockingIOError:
        return False


def own_folder():
    """Return the path of a folder of this user's alone."""
    folder = Path(tempfile.gettempdir(), f"{CATEGORY}-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
        raise Trouble(f"{folder} is somebody else's")
    return folder


def written(content, info_hash):
    """Return the path of a file that has *content*; older ones are removed."""
    folder = own_folder()
    for one in folder.glob("*-*"):  # a mark, too, where its run is over
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            old = time.time() - one.stat().st_mtime > KEPT
            if old and (one.suffix == ".torrent" or is_over(one.name, 0)):
                one.unlink()
    path = folder / f"{info_hash}-{secrets.token_hex(4)}.torrent"
    path.write_bytes(content)
    return path


def end(number, _frame):
    """Leave by the way on which what was added is taken away."""
    sys.exit(128 + number)


def main(words):
    if len(words) != 1 or not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", words[0]):
        raise Trouble("give it one info-hash: 40 or 64 small hex digits")
    for one in SIGNALS:
        signal.signal(one, end)
    server = Server(os.environ.get("QBITTORRENT_URL", "http://127.0.0.1:8080"))
    server.log_in(os.environ.get("QBITTORRENT_USERNAME", ""), os.environ.get("QBITTORRENT_PASSWORD", ""))
    try:
        take_away_old(server)
        path = written(find(server, words[0]), words[0])
    finally:
        with contextlib.suppress(Trouble):
            server.ask("auth/logout")
    print(json.dumps({"torrent": str(path)}))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(str(trouble))
