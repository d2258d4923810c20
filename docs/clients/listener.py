"""A whole listener in one file, for docs/protocol.md: follows a room and says what plays where.

Run it with the address of an Earshot and the code of a room. It needs the package `websockets`, and nothing of Earshot's own.
"""

import asyncio
import contextlib
import json
import random
import struct
import sys
import time
import urllib.request
from decimal import Decimal

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

URL, CODE = (sys.argv[1:] + ["http://localhost:8080", ""])[:2]


def now() -> float:
    """Ms; anything that only goes forward will do (CL1)."""
    return time.monotonic() * 1000


class Clock:
    """An exchange proves that hub time minus ours lies between t2 - t3 and t1 - t0 (CL2)."""

    WANDER = 100e-6  # two crystals come apart by less, ms per ms

    def __init__(self) -> None:
        self.proofs: list[tuple[float, float, float]] = []
        self.timeline_id: int | None = None

    def on_reply(self, data: bytes) -> None:
        t3 = now()
        _kind, _version, timeline_id, _seq, t0, t1, t2 = struct.unpack("<BBHIddd", data)
        if timeline_id != self.timeline_id:  # hub time has jumped (CL5)
            self.proofs = []
        self.timeline_id = timeline_id
        self.proofs.append((t2 - t3, t1 - t0, t3))
        self.proofs = [proof for proof in self.proofs if t3 - proof[2] < 600_000]

    def hub_time(self) -> float | None:
        """The middle of what all proofs leave open, each widened by what may have changed since."""
        if not self.proofs:
            return None
        t = now()
        lower = max(lower - (t - at) * self.WANDER for lower, _, at in self.proofs)
        upper = min(upper + (t - at) * self.WANDER for _, upper, at in self.proofs)
        return t + (lower + upper) / 2


def patched(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


def canonical(value) -> str:
    """RFC 8785: keys by their UTF-16 units, numbers as ECMAScript writes them."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        text = repr(value).removesuffix(".0")
        if "e" in text and 1e-6 <= abs(value) < 1e21:
            return format(Decimal(text), "f")
        return text.replace("e-0", "e-")
    return json.dumps(value, ensure_ascii=False)


def hash_of(value) -> str:
    """FNV-1a of 64 bits over canonical JSON."""
    result = 0xCBF29CE484222325
    for byte in canonical(value).encode():
        result = ((result ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{result:016x}"


class Room:
    """A state, its number, and patches (RM2 to RM6)."""

    def __init__(self) -> None:
        self.state: dict | None = None
        self.held: dict | None = None

    def take_snapshot(self, snapshot: dict) -> bool:
        self.state = snapshot["room"]
        self.held = {"epoch": snapshot["epoch"], "revision": snapshot["revision"]}
        return self.proven(snapshot["hash"])

    def proven(self, hash: str) -> bool:
        """False where this is not the hub's state: from the beginning, then (RM6)."""
        if hash_of(self.state) == hash:
            return True
        print("a hash differs", file=sys.stderr)
        self.held = None
        return False

    def take(self, epoch: int, revisions: list) -> bool:
        """False where something was missed: join again with `since`."""
        for each in revisions:
            if self.held is None or epoch != self.held["epoch"]:
                return False
            if each["revision"] > self.held["revision"] + 1:
                return False
            if each["revision"] <= self.held["revision"]:
                continue  # had it already
            self.state = patched(self.state, each["patch"])
            self.held = {"epoch": epoch, "revision": each["revision"]}
            if "hash" in each and not self.proven(each["hash"]):
                return False
        return True

    def playing_at(self, t: float) -> dict:
        """The last anchor that is in force, and from it the position (PB2, PB3)."""
        timeline = self.state["playback"]["timeline"]
        anchor = next((a for a in reversed(timeline) if a["at"] <= t), timeline[0])
        if "entryId" not in anchor:
            return {"state": "stopped"}
        ran = max(0, t - anchor["at"]) if anchor["state"] == "playing" else 0
        position = min(anchor["positionMs"] + ran, anchor["durationMs"])
        title = self.state["queue"].get(anchor["entryId"], {}).get("title")
        return {"state": anchor["state"], "title": title, "positionMs": position, "hubTime": t}


async def probe(socket) -> None:
    with contextlib.suppress(ConnectionClosed):
        for seq in range(2**32):
            await socket.send(struct.pack("<BBHId", 1, 1, 0, seq, now()))
            await asyncio.sleep(0.15 if seq < 8 else 10)


class Following:
    """One connection's life: hello, the clock, the room (SE1, RM1)."""

    def __init__(self, socket, token: str, clock: Clock, room: Room) -> None:
        self.socket, self.token, self.clock, self.room = socket, token, clock, room
        self.last_id = 0
        self.joining: int | None = None  # the id of the join under way
        self.is_in = False

    async def ask(self, kind: str, **body) -> int:
        self.last_id += 1
        await self.socket.send(json.dumps({"id": self.last_id, "type": kind, **body}))
        return self.last_id

    async def join(self) -> None:
        since = {"since": self.room.held} if self.room.held else {}
        self.joining = await self.ask("room.join", code=CODE, **since)

    async def follow(self) -> None:
        hello = await self.ask("hello", token=self.token, client={"name": "guide", "version": "1"})
        async for data in self.socket:
            if isinstance(data, bytes):
                self.clock.on_reply(data)
                continue
            message = json.loads(data)
            kind = message["type"]
            is_joined = "id" in message and message["id"] == self.joining
            if message.get("id") == hello and kind == "ok":
                await self.join()
            elif is_joined and kind == "error":
                if not message["retryable"]:
                    sys.exit(f"{message['code']}: {message['message']}")
                await asyncio.sleep(message.get("retryAfterMs", 1_000) / 1_000)
                await self.join()
            elif is_joined:
                self.joining, self.is_in = None, True
                if not self.take_joined(message):
                    await self.join()
            elif kind == "room.snapshot":
                if not self.room.take_snapshot(message):
                    await self.join()
            elif kind == "room.events" and self.joining is None:
                # While a join is under way its answer has all that comes meanwhile.
                if not self.room.take(message["epoch"], message["revisions"]):
                    await self.join()
            elif kind == "room.left":
                sys.exit(f"the room is left: {message['reason']}")  # RM11
            elif kind == "hub.draining":
                # This node goes, and others serve (SE6).
                await asyncio.sleep(random.random() * message["reconnectWithinMs"] / 1_000)
                await self.socket.close()
            # Whatever else comes is not for us, and is left alone (GR5).

    def take_joined(self, message: dict) -> bool:
        if "snapshot" in message:
            return self.room.take_snapshot(message["snapshot"])
        return self.room.take(message["resumed"]["epoch"], message["resumed"]["revisions"])


def new_token() -> str:
    body = json.dumps({"name": "Guide"}).encode()
    headers = {"content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/v1/guests", body, headers)) as reply:
        return json.load(reply)["token"]


async def tell(clock: Clock, room: Room) -> None:
    while True:
        await asyncio.sleep(1)
        t = clock.hub_time()
        if t is not None and room.state is not None:
            print(json.dumps(room.playing_at(t)), flush=True)


async def connected(token: str, clock: Clock, room: Room) -> tuple[int, bool]:
    """Until the connection ends: its close code, and whether it got as far as into the room."""
    address = URL.replace("http", "ws", 1) + "/v1/socket"
    try:
        async with connect(address, subprotocols=["earshot.v1"], compression=None) as socket:
            probing = asyncio.create_task(probe(socket))
            following = Following(socket, token, clock, room)
            try:
                await following.follow()
            except ConnectionClosed:
                pass
            finally:
                probing.cancel()
            return socket.close_code or 1006, following.is_in
    except (WebSocketException, OSError):
        return 1006, False


async def main() -> None:
    token = new_token()
    clock, room = Clock(), Room()
    telling = asyncio.create_task(tell(clock, room))
    attempt = 0
    while True:
        close_code, was_in = await connected(token, clock, room)
        if close_code >= 4500:
            telling.cancel()
            sys.exit(f"only a person can help: {close_code}")  # SE7
        if close_code == 4005:
            token = new_token()  # the token has ended
        attempt = 0 if was_in else attempt + 1
        await asyncio.sleep(random.random() * min(30, 0.5 * 2**attempt))


asyncio.run(main())
