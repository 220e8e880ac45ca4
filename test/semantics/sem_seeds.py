from contextlib import closing

from sem_common import Fatal, Parse, Reset


def accumulate():
    total = 0
    try:
        while True:
            try:
                value = yield total
            except Reset:
                print("reset")
                total = 0
                continue
            if value is None:
                return total
            total += value
    finally:
        print("cleanup", total)


def negated():
    result = yield from accumulate()
    yield -result


def show(what, f):
    try:
        print(what, "->", f())
    except TypeError:
        print(what, "-> refused")
    except StopIteration:
        print(what, "-> over")


def drive(g):
    show("send 10 early", lambda: g.send(10))
    show("next", lambda: next(g))
    for v in (10, 20, 5):
        show("send", lambda: g.send(v))
    show("throw reset", lambda: g.throw(Reset()))
    show("send 20", lambda: g.send(20))
    g.close()
    print("close -> 0")


def accumulator():
    drive(accumulate())
    drive(negated())
    g = negated()
    show("next", lambda: next(g))
    fatal = None
    try:
        g.throw(Fatal("boom"))
    except Fatal as e:
        print("throw fatal -> over")
        fatal = e
    show("next", lambda: next(g))
    print("finish -> fatal:", fatal)
    g = negated()
    show("next", lambda: next(g))
    show("send 7", lambda: g.send(7))
    show("next", lambda: next(g))
    show("next", lambda: next(g))
    print("finish -> 0")


def count(n, fail_at):
    i = 1
    try:
        while n < 0 or i <= n:
            if i == fail_at:
                raise Parse(f"item {i}")
            yield i
            i += 1
    except GeneratorExit:
        print(f"[count ends at {i}]")
        raise
    print(f"[count ends at {i}]")


def sloppy(up):
    with closing(up):
        for it in up:
            yield it


def forgiving(up):
    with closing(up):
        try:
            for it in up:
                yield it
        except Parse:
            yield -1


def probe(what, gen, most):
    n = last = 0
    rc, origin, message = 0, "", ""
    try:
        while n < most:
            try:
                last = next(gen)
            except StopIteration:
                break
            n += 1
        gen.close()
    except Parse as e:
        rc, origin, message = -41, "count", str(e)
    print(f"{what}: {n} items, last {last}, rc {rc} {origin} {message}")


def contract():
    probe("contagion", sloppy(sloppy(count(5, 3))), 99)
    probe("caught", sloppy(forgiving(count(5, 3))), 99)
    probe("close endless through a sloppy stage", sloppy(count(-1, 0)), 3)
    probe("unstarted", sloppy(count(-1, 0)), 0)


PROGRAMS = [accumulator, contract]
