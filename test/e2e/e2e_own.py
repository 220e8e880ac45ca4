"""The example programs with a source or a sink of their own: a timerfd, inotify, a thread, PostgreSQL,
SQLite.

WEIR_EXAMPLES is the folder they were built into (default: `examples` beside the command).
WEIR_WRAPPER, if set, is the command that runs them (valgrind with its options). A PostgreSQL server
of the test's own is started where its programs are installed; where they or libpq were missing the
test says so.
"""
import glob
import os
import random
import shlex
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import e2e_support
from e2e_support import TestCase, Weir, wait_for

EXAMPLES = os.environ.get("WEIR_EXAMPLES", os.path.join(os.path.dirname(e2e_support.BINARY), "examples"))
WRAPPER = shlex.split(os.environ.get("WEIR_WRAPPER", ""))


def start(name, *args):
    return Weir(*args, binary=os.path.join(EXAMPLES, name), prefix=WRAPPER)


def loudly(text):
    print("**** SKIPPED: %s ****" % text, flush=True)
    if os.environ.get("CI") == "true":
        raise AssertionError("in CI nothing is skipped: " + text)
    raise unittest.SkipTest(text)


class Postgres:
    """A server in a folder of its own, on a socket in there. It refuses to run as root: then it
    runs as nobody."""

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres")) or [shutil.which("postgres") or ""]
        self.bin = os.path.dirname(os.path.realpath(found[-1])) if found[-1] else None
        if self.bin is None or not os.path.exists(os.path.join(EXAMPLES, "listen")):
            loudly("no %s (Debian: postgresql, libpq-dev)" % ("server" if self.bin is None else "libpq when it was built"))
        self.folder = tempfile.mkdtemp(prefix="weir-pg-", dir="/tmp")
        self.user = []
        if os.geteuid() == 0:
            os.chown(self.folder, 65534, 65534)
            self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.run("initdb", "-D", self.folder + "/data", "-A", "trust", "-U", "weir", "--no-sync", "-E", "UTF8")
        self.log = open(self.folder + "/log", "wb")
        self.server = subprocess.Popen(
            [*self.user, self.bin + "/postgres", "-D", self.folder + "/data", "-k", self.folder,
             "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=self.log, stderr=self.log, cwd=self.folder)
        wait_for(lambda: self.ask("select 1", check=False) == "1", "the server to come up")

    def run(self, program, *args):
        done = subprocess.run([*self.user, os.path.join(self.bin, program), *args], cwd=self.folder,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError("%s: %s" % (program, done.stderr.decode(errors="replace")))

    @property
    def conninfo(self):
        return "host=%s user=weir dbname=postgres" % self.folder

    def ask(self, query, check=True):
        done = subprocess.run([self.bin + "/psql", "-XAtq", "-c", query, self.conninfo], capture_output=True,
                              check=check)
        return done.stdout.decode().strip()

    def listeners(self):
        return self.ask("select count(*) from pg_stat_activity where query like 'LISTEN%'")

    def close(self):
        self.server.send_signal(signal.SIGINT)
        self.server.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Own(TestCase):
    def test_ticks_gives_one_a_tick_and_ends(self):
        with start("ticks", "5", "4") as ticks:
            run = ticks.end()
        self.ends(run, 0)
        self.assertEqual(len(run.out.splitlines()), 4)
        self.assertEqual(run.err, "")

    def test_ticks_ends_at_once_when_it_is_stopped_between_two_ticks(self):
        with start("ticks", "3600000", "4") as ticks:
            wait_for(lambda: self.watches(ticks.pid), "it to wait")
            ticks.send(signal.SIGINT)
            run = ticks.end()
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"", ""))

    @staticmethod
    def watches(pid):
        """It waits for its descriptor, which is armed for one event in the set of foreign ones."""
        for path in glob.glob("/proc/%d/fdinfo/*" % pid):
            try:
                with open(path, encoding="ascii") as info:
                    if any(line.startswith("tfd:") and " 40000019 " in line for line in info):
                        return True
            except FileNotFoundError:
                pass  # closed meanwhile
        return False

    def test_folder_gives_the_names_of_files_that_are_written(self):
        with start("folder", self.folder) as folder:
            wait_for(lambda: self.watches(folder.pid), "it to watch")
            names = [b"file %d" % i for i in range(300)]
            for name in names:
                self.write(name.decode(), b"x")
            got = [folder.read_line() for _ in names]
            folder.send(signal.SIGTERM)
            run = folder.end()
        self.assertEqual(got, names)
        self.ends(run, 0)
        self.assertEqual(run.err, "")

    def test_folder_refuses_what_is_not_there(self):
        with start("folder", self.path("nowhere")) as folder:
            self.ends(folder.end(), 2, "usage")

    def test_producer_gives_every_line_of_its_thread(self):
        with start("producer", "2000") as producer:
            run = producer.end()
        self.ends(run, 0)
        self.assertEqual(run.out, b"".join(b"line %d\n" % i for i in range(1, 2001)))

    def test_producer_ends_its_thread_when_its_reader_goes(self):
        with start("producer", "1000000000") as producer:
            self.assertEqual(producer.read_line(), b"line 1")
            producer.process.stdout.close()
            producer.process.stdout = None
            producer.says("the reader left")
            self.assertEqual(producer.process.wait(e2e_support.PATIENCE_S), 1)

    def test_producer_ends_its_thread_when_it_is_stopped(self):
        with start("producer", "1000000000") as producer:
            self.assertEqual(producer.read_line(), b"line 1")
            producer.send(signal.SIGINT)
            run = producer.end()
        self.ends(run, 0)
        self.assertEqual(run.err, "")

    def test_listen_gives_what_postgres_notifies(self):
        server = self.peer(Postgres())
        with start("listen", server.conninfo, "orders") as listen:
            wait_for(lambda: server.listeners() == "1", "it to listen")
            server.ask("notify orders, 'first'; notify others, 'not for us'; notify orders, 'second'")
            got = [listen.read_line(), listen.read_line()]
            server.ask("notify orders, 'third'")
            got.append(listen.read_line())
            listen.send(signal.SIGINT)
            run = listen.end()
        self.assertEqual(got, [b"first", b"second", b"third"])
        self.ends(run, 0)
        self.assertEqual((run.out, run.err), (b"", ""))

    def test_listen_tells_that_the_server_has_gone(self):
        server = self.peer(Postgres())
        with start("listen", server.conninfo, "orders") as listen:
            wait_for(lambda: server.listeners() == "1", "it to listen")
            server.server.send_signal(signal.SIGINT)
            run = listen.end()
        self.ends(run, 1, "notifications: ", "terminating connection")

    def test_listen_tells_that_there_is_no_server(self):
        if not os.path.exists(os.path.join(EXAMPLES, "listen")):
            loudly("no libpq when it was built (Debian: libpq-dev)")
        with start("listen", "host=%s" % self.folder, "orders") as listen:
            self.ends(listen.end(), 1, "notifications: ", "No such file or directory")

    def test_sqlite_has_each_line_once_however_often_it_is_killed(self):
        if not os.path.exists(os.path.join(EXAMPLES, "sqlite")):
            loudly("no SQLite when it was built (Debian: libsqlite3-dev)")
        lines = ["%d %s" % (n, "x" * (n % 100)) for n in range(1, 30001)]
        source, path = self.write("in", b""), self.path("db")
        rng, kills, counts = random.Random(11), 0, [0]

        def count():
            with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
                try:
                    return db.execute("select count(*) from lines").fetchone()[0]
                except sqlite3.OperationalError:
                    return 0  # there is no table yet

        while counts[-1] < len(lines) and kills < 40:
            goal = counts[-1] + rng.choice((1, 1, 500, 2000))
            # It reads on to here at most, however late it is killed.
            self.write("in", "".join(line + "\n" for line in lines[: goal + 3000]))
            with start("sqlite", source, path) as sqlite:
                wait_for(lambda: sqlite.process.poll() is not None or
                         (os.path.exists(path) and count() >= goal), "rows")
                sqlite.kill()
            kills += 1
            counts.append(count())
        self.write("in", "".join(line + "\n" for line in lines))
        with start("sqlite", source, path) as sqlite:
            self.ends(sqlite.end(), 0)
        with sqlite3.connect(path) as db:
            self.assertEqual([row[0] for row in db.execute("select line from lines order by number")], lines)
        # Void without a kill between two transactions, and one with rows behind the last.
        self.assertGreater(len(set(counts)), 5)
        with start("sqlite", source, path) as sqlite:
            self.ends(sqlite.end(), 0)
        self.assertEqual(count(), len(lines))


if __name__ == "__main__":
    e2e_support.main()
