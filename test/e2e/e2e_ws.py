#!/usr/bin/env python3
"""ws:// and wss:// as a source, against python3-websockets of the system, and against scripted peers
that break the protocol: messages come as they were sent, and each mistake has its close code.
"""

import base64
import hashlib
import json
import signal
import socket
import struct
import subprocess
import threading
import zlib

import e2e_support
import e2e_failures
from e2e_peers import Peer
from e2e_support import Weir, sha256, wait_for, weir

# What the server does with a connection is told by its path. It says what it sees, one line each.
SERVER = r"""
import asyncio, json, ssl, sys
import websockets

def say(*words):
    print(*words, flush=True)

async def fragments(ws):
    async def parts():
        for part in ("frag", "", "ments \u20ac"):
            yield part
    await ws.send(parts())

count = 0

async def serve(ws, path):
    global count
    count += 1
    say("open", path, ws.subprotocol, bool(ws.extensions), ws.request_headers.get("x-own"))
    try:
        if path == "/mixed":
            await ws.send('{"n":1}')
            await ws.send(b"\x00\x01")
            await fragments(ws)
        elif path == "/echo":
            async for message in ws:
                await ws.send(message)
        elif path == "/endless":
            n = 0
            while True:
                n += 1
                await ws.send(json.dumps({"n": n, "pad": "x" * 100}))
                await asyncio.sleep(0)  # or it would never read
        elif path == "/big":
            for n in range(20):
                await ws.send(json.dumps({"n": n, "pad": "pad %d " % n * 9000}))
        elif path.startswith("/again/"):
            await ws.send("connection %d" % count)
            await ws.close(int(path[7:]) if count == 1 else 1000, "of the test")
        elif path == "/quiet":
            await ws.send("connection %d" % count)
            await ws.wait_closed()
        elif path == "/break":
            await ws.send("connection %d" % count)
            if count == 1:
                await ws.recv()
                ws.transport.abort()
    except websockets.ConnectionClosed:
        pass
    finally:
        await ws.close()
        say("closed", ws.close_code)

async def main():
    context = None
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    async with websockets.serve(serve, "127.0.0.1", 0, ssl=context, subprotocols=["b", "c"], ping_interval=None) as server:
        say(server.sockets[0].getsockname()[1])
        await asyncio.Future()

asyncio.run(main())
"""


# Reads a feed, pings, sends a message of its own; --leave: closes after three messages and its pong.
CLIENT = r"""
import asyncio, sys
import websockets

async def main():
    compression = None if "--plain" in sys.argv else "deflate"
    async with websockets.connect(sys.argv[1], compression=compression) as ws:
        print(bool(ws.extensions))
        leaves = "--leave" in sys.argv
        pong = await ws.ping() if leaves else None
        await ws.send("of mine" * 1000)
        n = 0
        async for message in ws:
            n += 1
            if n == 3 and leaves:
                await pong
                await ws.close()
                break
    print(type(message).__name__, n, ws.close_code)

asyncio.run(main())
"""


class Server:
    def __init__(self, *args):
        # The packages of the system are those of its own Python.
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", "-c", SERVER, *args], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.scheme = "wss" if args else "ws"

    def url(self, path, host="127.0.0.1"):
        return "%s://%s:%d%s" % (self.scheme, host, self.port, path)

    def says(self):
        """The next line."""
        return self.process.stdout.readline().decode().split()

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def accept(connection, more=""):
    key = connection.request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    value = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n%s\r\n" % (value, more)
    )


def frame(opcode, payload, first=0x80):
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return bytes([first | opcode]) + length + payload


class Ws(e2e_failures.BreakingCase):
    def server(self, *args):
        return self.peer(Server(*args))

    def test_messages_come_as_they_were_sent(self):
        server = self.server()
        for plain in ("", " plain"):
            run = weir(server.url("/mixed") + plain)
            self.ends(run, 0)
            self.assertEqual(run.out, b'{"n":1}\n\x00\x01\nfragments \xe2\x82\xac\n')
            self.assertEqual(server.says(), ["open", "/mixed", "None", str(not plain), "None"])
            self.assertEqual(server.says(), ["closed", "1000"])
        run = weir(server.url("/mixed") + ' | set .op = $meta.opcode on-error=skip | head 1')
        self.assertEqual(run.out, b'{"n":1,"op":"text"}\n')

    def test_a_reader_that_stops_says_goodbye(self):
        server = self.server()
        run = weir(server.url("/endless") + " | head 1000")
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 1000)
        server.says()
        self.assertEqual(server.says(), ["closed", "1000"])

    def test_the_first_messages_are_sent(self):
        server = self.server()
        url = server.url("/echo") + " subprotocol='a, b' header='X-Own: it' send=one send=`{\"two\":2}`"
        run = weir(url + " | head 2")
        self.ends(run, 0)
        self.assertEqual(run.out, b'one\n{"two":2}\n')
        self.assertEqual(server.says(), ["open", "/echo", "b", "True", "it"])
        run = weir(server.url("/echo") + " binary send=x | head 1 | ndjson")
        self.assertEqual(run.out, b'{"body":"x","opcode":"binary"}\n')

    def test_first_messages_come_from_files(self):
        server = self.server()
        path = self.path("token.json")
        with open(path, "wb") as file:
            file.write(b'{"token":"s3cret"}\n')
        run = weir("-v", server.url("/echo") + " send=@%s send=@@x send=y | head 3" % path)
        self.ends(run, 0)
        self.assertEqual(run.out, b'{"token":"s3cret"}\n@x\ny\n')
        self.assertNotIn("s3cret", run.err)
        with open(path, "wb") as file:
            file.write(b"s3cret\xff")
        run = weir(server.url("/echo") + " send=@%s | head 1" % path)
        self.ends(run, 1, "cannot send the file '%s': it is not UTF-8" % path)
        self.assertNotIn("s3cret", run.err)
        run = weir(server.url("/echo") + " binary send=@%s | head 1" % path)
        self.assertEqual(run.out, b"s3cret\xff\n")
        for what, told in (("/nowhere", "No such file"), ("/dev/zero", "it is not a regular file")):
            run = weir(server.url("/echo") + " send=@%s | head 1" % what)
            self.ends(run, 1, "cannot send the file '%s': %s" % (what, told))

    def test_compressed_messages_are_read(self):
        server = self.server()
        run = weir(server.url("/big"))
        self.ends(run, 0)
        whole = "".join(json.dumps({"n": n, "pad": "pad %d " % n * 9000}) + "\n" for n in range(20))
        self.assertEqual(sha256(run.out), sha256(whole.encode()))

    def test_close_codes_that_invite_are_followed(self):
        for code in (1001, 1011, 1012, 1013):
            server = self.server()
            run = weir("-v", server.url("/again/%d" % code))
            self.ends(run, 0, "code %d: of the test; retry 1 in" % code, "a gap or repeats are possible")
            self.assertEqual(run.out, b"connection 1\nconnection 2\n")

    def test_other_close_codes_are_final(self):
        for code in (1002, 1007, 1008, 1009, 1010, 4001):
            server = self.server()
            run = weir(server.url("/again/%d" % code))
            self.ends(run, 1, "the server has closed the connection with code %d: of the test" % code)
            self.assertEqual(run.out, b"connection 1\n")

    def test_a_lost_connection_is_made_again(self):
        server = self.server()
        run = weir("-v", server.url("/break") + " send=now")
        self.ends(run, 0, "; retry 1 in")
        self.assertEqual(run.out, b"connection 1\nconnection 2\n")

    def test_a_proper_end_is_followed_on_request(self):
        server = self.server()
        run = weir("--follow", server.url("/mixed") + " | head 5")
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 5)

    def test_a_dead_peer_is_noticed(self):
        server = self.server()
        with Weir("-v", server.url("/quiet") + " ping=200ms pong=200ms | head 2") as run:
            self.assertEqual(run.read_line(), b"connection 1")
            server.process.send_signal(signal.SIGSTOP)
            run.says("no answer to a ping for 0.2 s; retry 1")
            server.process.send_signal(signal.SIGCONT)
            self.assertTrue(run.read_line().startswith(b"connection "))
            self.ends(run.end(), 0)

    def test_pings_keep_a_quiet_connection(self):
        pongs = []

        def script(connection):
            accept(connection)
            for _ in range(3):
                head = connection.socket.recv(6)
                pongs.append(head[:2])
                connection.send(frame(10, b""))
            connection.send(frame(1, b"still here") + frame(8, b"\x03\xe8"))
            connection.wait_end()

        peer = self.peer(Peer(script))
        run = weir("ws" + peer.url()[4:] + " ping=50ms pong=60s")
        self.ends(run, 0)
        self.assertEqual(run.out, b"still here\n")
        self.assertEqual(pongs, [b"\x89\x80"] * 3)

    def test_what_the_request_says(self):
        seen = []

        def script(connection):
            seen.append(connection.request.headers)
            accept(connection)
            connection.send(frame(8, b"\x03\xe8"))
            connection.wait_end()

        peer = self.peer(Peer(script))
        url = "ws" + peer.url()[4:]
        login = "user:" + "x" * 1000
        self.ends(weir(url.replace("://", "://%s@" % login)), 0)
        self.ends(weir(url + " header='User-Agent: it'"), 0)
        self.assertEqual(seen[0]["authorization"], "Basic " + base64.b64encode(login.encode()).decode())
        self.assertTrue(seen[0]["user-agent"].startswith("weir/"), seen[0])
        self.assertEqual(seen[1]["user-agent"], "it")

    def test_proxies_of_the_environment(self):
        asked = []

        def script(connection):
            asked.append((connection.request.method, connection.request.target, connection.request.headers))
            if "proxy-authorization" not in connection.request.headers:
                connection.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", int(connection.request.target.rsplit(":")[-1]))) as far:
                connection.send("HTTP/1.1 200 Connection established\r\n\r\n")
                pump = threading.Thread(target=move, args=(far, connection.socket), daemon=True)
                pump.start()
                move(connection.socket, far)
                pump.join()

        def move(source, to):
            try:
                while True:
                    data = source.recv(65536)
                    if not data:
                        break
                    to.sendall(data)
                to.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        proxy = self.peer(Peer(script)).url("")
        login = proxy.replace("://", "://me:p%40ss@")
        plain, secure = self.server(), self.server(self.certificates.chain, self.certificates.key)
        run = weir(plain.url("/mixed"), env={"http_proxy": login, "no_proxy": ""})
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 3)
        self.assertEqual(asked[0][:2], ("CONNECT", "127.0.0.1:%d" % plain.port))
        self.assertEqual(asked[0][2]["proxy-authorization"], "Basic bWU6cEBzcw==")
        url = secure.url("/mixed", "localhost")
        run = weir("--cacert", self.certificates.ca, url, env={"https_proxy": login, "no_proxy": ""})
        self.ends(run, 0)
        self.assertEqual(asked[1][1], "localhost:%d" % secure.port)
        run = weir(plain.url("/mixed"), env={"http_proxy": proxy, "no_proxy": ""})
        self.ends(run, 1, "407 Proxy Authentication Required: it requires a login")
        run = weir(plain.url("/mixed"), env={"http_proxy": "socks5://127.0.0.1:1", "no_proxy": ""})
        self.ends(run, 2, "a WebSocket needs an HTTP proxy; no_proxy=127.0.0.1 does without")
        run = weir(plain.url("/mixed"), env={"http_proxy": proxy, "no_proxy": "127.0.0.1"})
        self.ends(run, 0)
        self.assertEqual(len(asked), 3)

    def test_tls(self):
        server = self.server(self.certificates.chain, self.certificates.key)
        run = weir("--cacert", self.certificates.ca, server.url("/mixed", "localhost"))
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 3)
        run = weir(server.url("/mixed", "localhost"))
        self.ends(run, 4, "TLS")
        run = weir("-k", server.url("/endless", "localhost") + " | head 3")
        self.ends(run, 0)


class Demo(e2e_support.TestCase):
    def setUp(self):
        super().setUp()
        self.demo = Weir("demo", ":0")
        self.addCleanup(self.demo.__exit__)
        self.assertEqual(self.demo.read_line(), b"weir demo serves, until Ctrl-C:")
        self.url = "ws" + self.demo.read_line().split(b"/feed")[0].strip().decode()[4:] + "/ws"

    def served(self):
        self.demo.process.send_signal(signal.SIGTERM)
        return self.demo.end().out.decode()

    def test_weir_reads_it(self):
        for plain in ("", " plain"):
            run = weir("-q", self.url + "?rate=0&n=3000" + plain)
            self.ends(run, 0)
            numbers = [json.loads(line)["n"] for line in run.out.splitlines()]
            self.assertEqual(numbers, list(range(1, 3001)))
        run = weir("-q", self.url + "?rate=100 | head 3 | .n")
        self.assertEqual(run.out, b"1\n2\n3\n")

    def test_another_client_reads_it(self):
        def client(*args):
            done = subprocess.run(["/usr/bin/python3", "-B", "-c", CLIENT, *args], capture_output=True, timeout=20)
            self.assertEqual(done.stderr, b"")
            return done.stdout.decode().split()

        self.assertEqual(client(self.url + "?rate=0&n=500"), ["True", "str", "500", "1000"])
        self.assertEqual(client(self.url + "?rate=0&n=500", "--plain"), ["False", "str", "500", "1000"])
        self.assertEqual(client(self.url + "?rate=100", "--leave"), ["True", "str", "3", "1000"])
        self.assertIn("/ws               requests 3", self.served())


class Broken(e2e_support.TestCase):
    """Peers that break the protocol: weir fails, and tells them why."""

    def close_code(self, script, *texts, flags=(), text="", status=1):
        seen = []

        def whole(connection):
            script(connection)
            data = b""
            while True:
                piece = connection.socket.recv(4096)
                data += piece
                if not piece or len(data) >= 8:
                    break
            mask = data[2:6]
            seen.append(
                (data[0], struct.unpack(">H", bytes(b ^ mask[i] for i, b in enumerate(data[6:8])))[0])
                if len(data) >= 8
                else data
            )

        peer = self.peer(Peer(whole))
        run = weir(*flags, "ws" + peer.url()[4:] + text)
        self.ends(run, status, *texts)
        wait_for(lambda: seen, "the close frame")
        self.assertEqual(seen[0][0], 0x88)
        return seen[0][1]

    def sends(self, data, more=""):
        def script(connection):
            accept(connection, more)
            connection.send(data)

        return script

    def test_a_masked_frame(self):
        code = self.close_code(self.sends(b"\x81\x81abcdx"), "a frame of a server is masked")
        self.assertEqual(code, 1002)

    def test_a_fragment_without_a_start(self):
        code = self.close_code(self.sends(frame(0, b"x")), "a fragment continues a message that has not begun")
        self.assertEqual(code, 1002)

    def test_text_that_is_not_utf8(self):
        code = self.close_code(self.sends(frame(1, b"a\xff")), "a text message is not UTF-8")
        self.assertEqual(code, 1007)

    def test_a_message_over_the_limit(self):
        head = b"\x82\x7f" + struct.pack(">Q", 2 << 20)
        code = self.close_code(self.sends(head), "is longer than the limit of 1048576 bytes", flags=("--strict",))
        self.assertEqual(code, 1009)

    def test_a_decompression_bomb(self):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = (deflate.compress(bytes(20 << 20)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        code = self.close_code(
            self.sends(frame(2, bomb, first=0xC0), "Sec-WebSocket-Extensions: permessage-deflate\r\n"), "a decompression bomb?"
        )
        self.assertEqual(code, 1009)

    def test_damaged_compressed_data(self):
        code = self.close_code(
            self.sends(frame(1, b"\xff" * 20, first=0xC0), "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            "a compressed message cannot be decoded",
        )
        self.assertEqual(code, 1007)

    def test_fragments_without_content_and_without_end(self):
        data = b"\x01\x00" + 70000 * b"\x00\x00"
        code = self.close_code(self.sends(data), "fragments in a row without content")
        self.assertEqual(code, 1008)

    def test_fragments_for_ever_are_one_rejected_message(self):
        piece = frame(0, 60000 * b"x", first=0)

        def script(connection):
            accept(connection)
            connection.send(b"\x01\x00" + 40 * piece + frame(0, b"") + frame(1, b"next") + frame(8, b"\x03\xe8"))
            connection.wait_end()

        run = weir("ws" + self.peer(Peer(script)).url()[4:])
        self.ends(run, 0, "rejected")
        self.assertEqual(run.out, b"next\n")

    def test_bytes_that_come_one_by_one(self):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = [(deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4] for text in (b"packed", b"packed again")]
        data = (
            frame(1, b"one") + frame(9, b"ping") + frame(1, b"", first=0) + frame(0, b"t", first=0) + frame(0, b"wo")
            + frame(2, b"x" * 300) + b"".join(frame(1, p, first=0xC0) for p in packed) + frame(8, b"\x03\xe8bye")
        )

        def script(connection):
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accept(connection, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            for at in range(len(data)):
                connection.send(data[at : at + 1])
            connection.wait_end()

        run = weir("ws" + self.peer(Peer(script)).url()[4:])
        self.ends(run, 0)
        self.assertEqual(run.out, b"one\ntwo\n" + b"x" * 300 + b"\npacked\npacked again\n")

    def test_an_extension_that_was_not_offered(self):
        code = self.close_code(
            self.sends(b"", "Sec-WebSocket-Extensions: x-other\r\n"), "an extension that was not offered"
        )
        self.assertEqual(code, 1010)

    def test_answers_that_are_no_websocket(self):
        def status(line, more=""):
            return lambda connection: connection.send("HTTP/1.1 %s\r\nContent-Length: 2\r\n%s\r\nno" % (line, more))

        for script, text in (
            (status("200 OK"), "200 OK: the server does not open a WebSocket at this address"),
            (status("404 Not Found"), "404 Not Found: no"),
            (status("401 Unauthorized", "WWW-Authenticate: Basic\r\n"), "401 Unauthorized"),
            (status("301 Moved", "Location: /new\r\n"), "redirects to '/new'; use that address"),
            (status("302 Found", "Location: ws://other/\r\n"), "redirects to 'ws://other/'; use that address"),
            (lambda c: c.send("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"), "Accept is missing"),
            (lambda c: c.send(b"\x15\x03\x01\0\x02\x02\x46"), "write wss:// instead of ws://"),
            (lambda c: c.send("SSH-2.0-x\r\n\r\n"), "the server does not speak HTTP; it says: SSH-2.0-x"),
        ):
            run = weir("ws" + self.peer(Peer(script)).url()[4:])
            self.ends(run, 1, text)
            self.assertEqual(run.out, b"")

    def test_a_busy_server_is_asked_again(self):
        def script(connection):
            if connection.number == 1:
                connection.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            else:
                accept(connection)
                connection.send(frame(1, b"now") + frame(8, b""))
                connection.wait_end()

        run = weir("-v", "ws" + self.peer(Peer(script)).url()[4:])
        self.ends(run, 0, "503 Busy; retry 1")
        self.assertEqual(run.out, b"now\n")

    def test_what_is_wrong_in_the_text(self):
        for text, told in (
            ("ws://", "the URL has no host"),
            ("ws://h:99999/", "the host or the port of this URL cannot be read"),
            ("ws://h/ header=x", "a header has a colon"),
            ("ws://h/ subprotocol='a;b'", "this is not a list of names"),
        ):
            self.ends(weir("check", text), 2, told)
        run = weir("ws://127.0.0.1:1/ header='Upgrade: h2c'")
        self.ends(run, 2, "the header Upgrade belongs to the handshake")


if __name__ == "__main__":
    e2e_support.main()
