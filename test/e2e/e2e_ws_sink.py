#!/usr/bin/env python3
"""The ws sink against python3-websockets of the system, which is killed, stopped and restarted, and
against scripted peers that refuse it or break the protocol.
"""

import os
import signal
import struct
import subprocess
import threading
import time

import e2e_support
from e2e_peers import Peer, closed_port
from e2e_support import Weir, weir
from e2e_ws import accept, frame

# Prints what comes, one line each: `+` and the message. The first connection to /code/N is closed with
# N after one message. At the end of a connection it says how many different messages have come.
SERVER = r"""
import asyncio, sys
import websockets

def say(*words):
    print(*words, flush=True)

count = 0
seen = set()

async def serve(ws, path):
    global count
    count += 1
    say("open", path, ws.subprotocol, ws.request_headers.get("x-own"), ws.request_headers.get("authorization"))
    try:
        async for message in ws:
            seen.add(message)
            if path != "/count":
                say("+" + (message if isinstance(message, str) else "b" + message.hex()))
            if path == "/talk":
                await ws.send("unheard")
            if path.startswith("/code/") and count == 1:
                await ws.close(int(path[6:]), "of the test")
    except websockets.ConnectionClosed:
        pass
    say("closed", ws.close_code, len(seen))

async def main():
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), subprotocols=["b"], ping_interval=None,
                                max_size=None) as server:
        say(server.sockets[0].getsockname()[1])
        await asyncio.Future()

asyncio.run(main())
"""


class Server:
    def __init__(self, port=0):
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", "-c", SERVER, str(port)], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def url(self, path="/in"):
        return "ws://127.0.0.1:%d%s" % (self.port, path)

    def says(self):
        return self.process.stdout.readline().decode().rstrip("\n")

    def gets(self, count):
        """So many messages; other lines are skipped."""
        got = []
        while len(got) < count:
            line = self.says()
            if line.startswith("+"):
                got.append(line[1:])
        return got

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class WsSink(e2e_support.TestCase):
    def server(self, port=0):
        made = Server(port)
        self.addCleanup(made.close)
        return made

    def test_items_are_messages(self):
        server = self.server()
        run = weir("gen 1..3 | ws %s subprotocol='a, b' header='X-Own: it'" % server.url().replace("//", "//me:p%40ss@"))
        self.ends(run, 0)
        self.assertEqual(server.says(), "open /in b it Basic bWU6cEBzcw==")
        self.assertEqual(server.gets(3), ["1", "2", "3"])
        self.assertEqual(server.says(), "closed 1000 3")
        run = weir("ws %s binary" % server.url("/talk"), stdin=b"\xff\n\nx")
        self.ends(run, 0)
        self.assertEqual(server.gets(3), ["bff", "b", "b78"])

    def test_long_messages_and_many(self):
        server = self.server()
        text = b"x" * 500000 + b"\n" + b"".join(b"%d\n" % n for n in range(20000)) + b"y" * 400000 + b"\n"
        got = []
        reader = threading.Thread(target=lambda: got.extend(server.gets(20002)))
        reader.start()
        run = weir("ws " + server.url(), stdin=text + b"z" * 600000 + b"\n")
        reader.join()
        self.ends(run, 0, "600000 bytes: a message has at most 524284")
        self.assertEqual("\n".join(got) + "\n", text.decode())
        self.assertEqual(server.says(), "closed 1000 20002")

    def test_what_is_not_utf8_is_rejected(self):
        server = self.server()
        run = weir("ws " + server.url(), stdin=b"one\n\xff\ntwo\n")
        self.ends(run, 0, "not UTF-8: to send it, write `binary`")
        self.assertEqual(server.gets(2), ["one", "two"])
        run = weir("ws %s on-error=stop" % server.url(), stdin=b"one\n\xff\ntwo\n")
        self.ends(run, 1, "not UTF-8")

    def test_a_killed_server_gets_the_rest_after_its_restart(self):
        server = self.server()
        with Weir("-v", "ws " + server.url(), stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"1\n2\n3\n")
            run.process.stdin.flush()
            self.assertEqual(server.gets(3), ["1", "2", "3"])
            server.close()
            run.process.stdin.write(b"4\n")
            run.process.stdin.flush()
            run.says("; retry 1 in")
            again = self.server(server.port)
            run.says("connected again after")
            self.ends(run.end(stdin=b"5\n"), 0)
            while again.gets(1) != ["5"]:  # the others may come twice
                pass

    def test_a_stopped_server_loses_nothing_when_weir_is_killed(self):
        server = self.server()
        path = self.path("in.txt")
        with open(path, "w", encoding="ascii") as file:
            file.writelines("%d\n" % n for n in range(30000))
        text = "%s | ws %s" % (path, server.url("/count"))
        with Weir("-v", "--state", self.path("state"), text) as run:
            run.says("delivery: at-least-once")
            self.assertTrue(server.says().startswith("open"))
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(0.3)  # for positions to be saved, if they were
            run.kill()
        server.process.send_signal(signal.SIGCONT)
        self.assertTrue(server.says().startswith("closed 1006"))
        run = weir("--state", self.path("state"), text)
        self.ends(run, 0)
        self.assertTrue(server.says().startswith("open"))
        self.assertEqual(server.says(), "closed 1000 30000")

    def test_a_server_that_does_not_read_stops_the_source(self):
        server = self.server()
        server.process.send_signal(signal.SIGSTOP)
        with Weir("gen 1..100000000 | ws %s" % server.url("/count")) as run:
            server.process.send_signal(signal.SIGCONT)
            self.assertTrue(server.says().startswith("open"))
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(0.5)
            before = self.cpu_s(run)
            time.sleep(0.3)
            self.assertLess(self.cpu_s(run) - before, 0.1)
            run.kill()

    def cpu_s(self, run):
        with open("/proc/%d/stat" % run.process.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_close_codes(self):
        for code in (1000, 1001, 1013):
            server = self.server()
            with Weir("-v", "ws " + server.url("/code/%d" % code), stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"1\n")
                run.process.stdin.flush()
                self.assertEqual(server.gets(1), ["1"])
                run.says("the server has closed the connection with code %d: of the test" % code)
                ended = run.end(stdin=b"2\n")
                while server.gets(1) != ["2"]:
                    pass
                self.ends(ended, 0)
        for code in (1002, 1008, 4001):
            server = self.server()
            with Weir("ws " + server.url("/code/%d" % code), stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"1\n")
                run.process.stdin.flush()
                self.ends(run.end(), 1, "the server has closed the connection with code %d: of the test" % code)

    def test_once_ends_with_the_connection(self):
        server = self.server()
        with Weir("ws %s once" % server.url(), stdin=subprocess.PIPE) as run:
            run.process.stdin.write(b"1\n")
            run.process.stdin.flush()
            self.assertEqual(server.gets(1), ["1"])
            server.close()
            self.ends(run.end(), 1, "the server has closed the connection")

    def test_servers_that_refuse(self):
        def status(line):
            return lambda connection: connection.send("HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno" % line)

        for script, text in (
            (status("200 OK"), "200 OK: the server does not open a WebSocket at this address"),
            (status("401 Unauthorized"), "401 Unauthorized"),
            (status("301 Moved"), "301 Moved"),
            (lambda c: c.send("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"), "Accept is missing"),
            (lambda c: c.send("SSH-2.0-x\r\n\r\n"), "the server does not speak HTTP"),
            (lambda c: None, "the server has closed the connection without an answer"),
        ):
            run = weir("gen 1..3 | ws ws" + self.peer(Peer(script)).url()[4:])
            self.ends(run, 1 if "without" not in text else 4, text)
        run = weir("gen 1..3 | ws ws://127.0.0.1:%d/" % closed_port(self))
        self.ends(run, 4, "refused")

    def test_servers_that_break_the_protocol(self):
        def sends(data):
            def script(connection):
                accept(connection)
                connection.send(data)
                connection.wait_end()

            return script

        for data, text in (
            (b"\x81\x81abcdx", "a frame of a server is masked"),
            (frame(0, b"x"), "a fragment continues a message that has not begun"),
            (frame(1, b"a\xff"), "a text message is not UTF-8"),
            (b"\x88\x01\x03", "a close frame has one byte"),
        ):
            with Weir("ws ws" + self.peer(Peer(sends(data))).url()[4:], stdin=subprocess.PIPE) as run:
                run.process.stdin.write(b"1\n")
                run.process.stdin.flush()
                self.ends(run.end(), 1, "the server has broken the protocol: " + text)

    def test_a_server_whose_bytes_come_one_by_one(self):
        got = []

        def script(connection):
            slow = connection.socket.send
            connection.send = lambda data: [slow(bytes([b])) for b in (data.encode() if isinstance(data, str) else data)]
            accept(connection)
            connection.send(frame(9, b"are you there") + frame(1, b"unheard"))
            data = b""
            while True:
                piece = connection.socket.recv(4096)
                if not piece:
                    return
                data += piece
                while len(data) >= 6 and len(data) >= 6 + (data[1] & 127):
                    size, mask = data[1] & 127, data[2:6]
                    payload = bytes(b ^ mask[i % 4] for i, b in enumerate(data[6 : 6 + size]))
                    opcode = data[0] & 15
                    got.append((opcode, payload))
                    data = data[6 + size :]
                    if opcode == 9:
                        connection.send(frame(10, payload))
                    if opcode == 8:
                        connection.send(frame(8, payload))
                        return

        run = weir("--state", self.path("state"), "gen 1..3 | ws ws" + self.peer(Peer(script)).url()[4:])
        self.ends(run, 0)
        self.assertEqual([p for o, p in got if o == 1], [b"1", b"2", b"3"])
        self.assertIn((10, b"are you there"), got)
        self.assertEqual(got[-1], (8, struct.pack(">H", 1000)))

    def test_what_is_wrong_in_the_text(self):
        for text, told in (
            ("gen 1..3 | ws http://h/", "an address begins with ws:// or wss://"),
            ("gen 1..3 | ws ws://h/ header=x", "a header has a colon"),
            ("gen 1..3 | ws ws://h/ subprotocol='a;b'", "this is not a list of names"),
        ):
            self.ends(weir("check", text), 2, told)
        run = weir("gen 1..3 | ws ws://127.0.0.1:1/ header='Upgrade: h2c'")
        self.ends(run, 2, "the header Upgrade belongs to the handshake")


if __name__ == "__main__":
    e2e_support.main()
