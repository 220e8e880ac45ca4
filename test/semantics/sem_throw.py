import asyncio

from sem_common import Fatal, Parse, Reader, Reset, Retry, Skip, name, numbers


def counting():
    i = 0
    try:
        while True:
            yield i
            i += 1
    except BaseException as error:
        print(f"stopped at {i} by {name(error)}")
        raise


def an_uncaught_throw_ends_the_body():
    gen = Reader(counting())
    gen.first(3)
    gen.throw(Fatal("boom"))
    gen.next()
    gen.next()
    gen.finish()


def a_throw_before_the_start_runs_nothing():
    gen = Reader(counting())
    gen.throw(Reset("not even begun"))
    gen.next()
    gen.finish()


def resettable():
    i = 1
    try:
        while True:
            try:
                yield i
                i += 1
            except Reset:
                print(f"reset at {i}")
                i = 1
            except Skip:
                print(f"skip after {i}")
                i += 2
    finally:
        print(f"left at {i}")


def a_caught_throw_goes_on():
    gen = Reader(resettable())
    gen.first(3)
    gen.throw(Skip())
    gen.next()
    gen.throw(Reset())
    gen.next()
    gen.finish()


def thrown_again_and_again():
    gen = Reader(resettable())
    gen.next()
    gen.throw(Skip())
    gen.throw(Skip())
    gen.throw(Reset())
    gen.throw(Reset())
    gen.throw(Retry("nobody knows this one"))
    gen.finish()


def collect():
    total = 0
    try:
        while True:
            total += (yield total) or 0
    except Skip as error:
        print("told to stop:", error)
        return total


def caught_and_returned():
    gen = Reader(collect())
    gen.next()
    gen.send(30)
    gen.send(12)
    gen.throw(Skip("that is enough"))
    gen.result()
    gen.next()
    gen.finish()


def witness():
    try:
        yield 1
    except Fatal as error:
        print("saw", error)
        raise


def caught_and_raised_again():
    gen = Reader(witness())
    gen.next()
    gen.throw(Fatal("the ship"))
    gen.next()
    gen.finish()


def translator():
    i = 1
    while True:
        try:
            yield i
        except Retry as error:
            raise Fatal(f"item {i}: {error}") from error
        i += 1


def caught_and_another_raised():
    gen = Reader(translator())
    gen.first(2)
    gen.throw(Retry("too slow"))
    gen.finish()
    gen = Reader(translator())
    gen.first(2)
    gen.throw(Skip("not translated"))
    gen.finish()


def picky():
    try:
        try:
            yield 1
        except Reset:
            print("took Reset")
        except Exception as error:
            print(f"not Reset but {name(error)}: {error}")
            raise
    except Retry:
        print("took Retry")
    except Exception as error:
        print(f"not Retry but {name(error)}: {error}")
        raise


def the_wrong_code_stays_pending():
    for thrown in (Reset, Retry, Fatal):
        gen = Reader(picky())
        gen.next()
        gen.throw(thrown("hm"))
        gen.finish()


def stoic():
    i = 0
    while True:
        try:
            yield i
            i += 1
        except Exception as error:
            print(f"bears {name(error)}: {error}")
        except BaseException as error:
            print(f"ends by {name(error)}")
            raise


def any_takes_whatever_is_thrown():
    gen = Reader(stoic())
    gen.first(2)
    gen.throw(Reset("one"))
    gen.throw(Fatal("two"))
    gen.throw(Parse("three"))
    gen.next()
    gen.finish()


def careful(value):
    try:
        yield value
    except Reset:
        print(f"the helper took it at {value}")
    except BaseException as error:
        print(f"the helper passes on {name(error)}")
        raise


def layered():
    try:
        for i in range(1, 6):
            try:
                yield from careful(i)
            except Retry:
                print(f"the body took it at {i}")
    finally:
        print("layered ends")


def the_innermost_call_is_asked_first():
    gen = Reader(layered())
    gen.next()
    gen.throw(Reset())
    gen.throw(Retry())
    gen.next()
    gen.throw(Skip("neither of them"))
    gen.finish()


def careless():
    for i in range(1, 5):
        yield i
    raise Retry("nothing was thrown")


def an_ignored_throw_carries_on():
    for items in (1, 2, 3):
        gen = Reader(careless())
        gen.first(items)
        gen.throw(Fatal("not to be hidden"))
        gen.next()
        gen.finish()


def failing(after):
    yield from range(after)
    raise Parse(f"after {after} items")


def a_failure_of_its_own_comes_after_the_items():
    for after in range(3):
        gen = Reader(failing(after))
        gen.rest()
        gen.next()
        gen.finish()
    gen = Reader(failing(2))
    gen.first(2)
    gen.finish()


def attempts():
    last = None
    for attempt in (1, 2, 3):
        print(f"attempt {attempt}")
        try:
            yield attempt
        except Retry as error:
            last = error
            continue
        print(f"attempt {attempt} is good")
        return
    raise Fatal(f"given up after: {last}")


def a_budget_of_attempts():
    gen = Reader(attempts())
    gen.next()
    gen.throw(Retry("busy"))
    gen.next()
    gen.finish()
    gen = Reader(attempts())
    gen.next()
    gen.throw(Retry("busy"))
    gen.throw(Retry("still busy"))
    gen.throw(Retry("gone"))
    gen.finish()


def breaker():
    failures = 0
    while True:
        try:
            yield "open" if failures >= 2 else "shaky" if failures == 1 else "closed"
            if failures < 2:
                failures = 0
        except Retry:
            failures += 1
        except Reset:
            failures = 0


def a_circuit_breaker():
    gen = Reader(breaker())
    gen.next()
    gen.throw(Retry())
    gen.next()
    gen.throw(Retry())
    gen.throw(Retry())
    gen.next()
    gen.throw(Reset())
    gen.next()
    gen.finish()


def fragile():
    try:
        yield "work"
    except Reset:
        try:
            yield "handling"
        except BaseException as error:
            print("hit while handling by", name(error))
            raise
        yield "handled"


def thrown_at_while_handling():
    gen = Reader(fragile())
    gen.next()
    gen.throw(Reset("first"))
    gen.throw(Fatal("second"))
    gen.finish()
    gen = Reader(fragile())
    gen.next()
    gen.throw(Reset("first"))
    gen.throw(Reset("the same again"))
    gen.finish()
    gen = Reader(fragile())
    gen.next()
    gen.throw(Reset("only"))
    gen.all()


def transaction():
    committed = pending = 0
    try:
        while True:
            try:
                pending += (yield committed + pending) or 0
            except Skip:
                committed += pending
                pending = 0
                print("commit", committed)
            except Reset:
                print("rollback", pending)
                pending = 0
    finally:
        print(f"lost {pending}, kept {committed}")


def sends_and_throws_by_turns():
    gen = Reader(transaction())
    gen.next()
    gen.send(5)
    gen.send(6)
    gen.throw(Skip())
    gen.send(100)
    gen.throw(Reset())
    gen.send(7)
    gen.throw(Fatal("power cut"))
    gen.finish()


def a_throw_after_the_end_is_told():
    gen = Reader(numbers(1, 2))
    gen.rest()
    gen.throw(Reset("too late"))
    gen.throw(Fatal("later still"))
    gen.next()
    gen.finish()
    gen = Reader(fragile())
    gen.next()
    gen.throw(Fatal("the first"))
    gen.throw(Reset("too late"))
    gen.finish()


def takes_all():
    i = 1
    while True:
        try:
            yield i
        except Exception:
            print("any takes it")
        except GeneratorExit as error:
            if not error.args:
                print("not taken")
                raise
            print("taken as a close")
        except asyncio.CancelledError:
            print("taken as a cancel")
        i += 1


def takes_any():
    i = 1
    while True:
        try:
            yield i
        except Exception:
            pass
        except BaseException:
            print("not taken")
            raise
        i += 1


def any_leaves_what_ends_a_generator():
    thrown = (Reset, GeneratorExit, asyncio.CancelledError)
    gen = Reader(takes_all())
    gen.next()
    for kind in thrown:
        gen.throw(kind("here"))
    gen.finish()
    for kind in thrown:
        gen = Reader(takes_any())
        gen.next()
        gen.throw(kind("here"))
        gen.finish()


PROGRAMS = [
    an_uncaught_throw_ends_the_body, a_throw_before_the_start_runs_nothing, a_caught_throw_goes_on,
    thrown_again_and_again, caught_and_returned, caught_and_raised_again, caught_and_another_raised,
    the_wrong_code_stays_pending, any_takes_whatever_is_thrown, the_innermost_call_is_asked_first,
    an_ignored_throw_carries_on, a_failure_of_its_own_comes_after_the_items, a_budget_of_attempts,
    a_circuit_breaker, thrown_at_while_handling, sends_and_throws_by_turns,
    a_throw_after_the_end_is_told, any_leaves_what_ends_a_generator,
]
