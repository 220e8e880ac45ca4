#!/usr/bin/env python3
"""A URL that is requested again and again."""

import e2e_peers
import e2e_support
from e2e_support import Weir, weir


class Poll(e2e_support.TestCase):
    def served(self, script):
        return self.peer(e2e_peers.Peer(script))

    def test_what_has_not_changed_is_given_once(self):
        seen = []

        def script(connection):
            seen.append(connection.request.headers.get("if-none-match"))
            number = len(seen)
            if number in (2, 3):
                connection.reply("304 Not Modified", length=False)
            elif number == 5:
                connection.reply("503 Busy", body=b"")
            else:
                connection.reply(headers=('ETag: "%d"' % number,), body=b'{"n":\n %d}\n' % number)

        peer = self.served(script)
        with Weir("-c", "3", "poll %s every 20ms | json" % peer.url("/status")) as run:
            ended = run.end()
        self.assertEqual(ended.status, 0, ended)
        self.assertEqual(ended.out, b'{"n":1}\n{"n":4}\n{"n":6}\n', ended)
        self.assertEqual(seen[:5], [None, '"1"', '"1"', '"1"', '"4"'])

    def test_the_first_mistake_is_final(self):
        peer = self.served(lambda connection: connection.reply("404 No"))
        self.ends(weir("poll %s every 1s" % peer.url("/")), 1, "404")
        self.ends(weir("poll http://127.0.0.1:%d/ every 1s" % e2e_peers.closed_port(self)), 4)
        self.ends(weir("poll ./file every 1s"), 2, "poll")


if __name__ == "__main__":
    e2e_support.main()
