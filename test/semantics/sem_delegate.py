import sys
import threading
from contextlib import closing

from sem_common import Fatal, Parse, Reader, Reset, Retry, Skip, name


def part(what, first, last):
    total = 0
    i = first
    try:
        while i <= last:
            try:
                total += i + ((yield i) or 0)
                i += 1
            except Reset:
                print(f"{what} resets")
                total = 0
                i = first
    except BaseException as error:
        print(f"{what} stops: {name(error)}")
        raise
    print(f"{what} ends")
    return total


def whole():
    total = 0
    for what, first, last in (("left", 1, 3), ("right", 10, 12)):
        try:
            result = yield from part(what, first, last)
        except BaseException as error:
            print(f"whole stops: {name(error)}")
            raise
        print(f"{what} returned {result}")
        total += result
    yield total
    return total


def results_come_back():
    gen = Reader(whole())
    gen.rest()
    gen.result()
    gen.finish()


def sends_and_throws_pass_through():
    gen = Reader(whole())
    gen.next()
    gen.send(100)
    gen.throw(Reset("again"))
    gen.send(5)
    gen.next()
    gen.next()
    gen.throw(Reset("the second too"))
    gen.throw(Fatal("nobody takes it"))
    gen.next()
    gen.finish()


def a_close_passes_through():
    for items in range(0, 8, 2):
        gen = Reader(whole())
        gen.first(items)
        gen.finish()


def silent():
    print("silent runs")
    return
    yield


def around_nothing():
    for _ in range(2):
        result = yield from silent()
        print("result", "none" if result is None else "some")
    yield 1


def a_delegate_that_gives_nothing():
    Reader(around_nothing()).all()


def broken(after):
    yield from range(1, after + 1)
    raise Parse(f"broken after {after}")


def patient(code):
    for i in range(3):
        try:
            yield from broken(i)
            print("it was whole")
            continue
        except code as error:
            print("bears:", error)
        except BaseException as error:
            print("cannot bear", name(error))
            raise
        yield 100 + i


def the_failure_of_a_delegate_can_be_caught():
    Reader(patient(Parse)).all()
    Reader(patient(Exception)).all()


def the_failure_of_a_delegate_carries_on():
    gen = Reader(patient(Retry))
    gen.rest()
    gen.next()
    gen.finish()


def catcher(code):
    try:
        yield from part("inner", 1, 5)
        print("not reached")
        return
    except code as error:
        print(f"catcher took {name(error)}: {error}")
    except BaseException as error:
        print(f"catcher lets {name(error)} go")
        raise
    try:
        yield -1
    except GeneratorExit:
        print("closed at -1")
        raise


def what_the_delegate_lets_go_the_delegator_catches():
    gen = Reader(catcher(Fatal))
    gen.first(2)
    gen.throw(Fatal("passed by inner"))
    gen.next()
    gen.finish()
    gen = Reader(catcher(Exception))
    gen.first(2)
    gen.throw(Retry("any will do"))
    gen.finish()
    gen = Reader(catcher(Fatal))
    gen.first(1)
    gen.throw(Skip("none of ours"))
    gen.finish()


def turning():
    i = 1
    while True:
        try:
            yield i
        except Retry:
            return 77
        except Skip as error:
            raise Fatal(f"was Skip: {error}")
        i += 1


def around_turning():
    try:
        result = yield from turning()
        print("returned", result)
    except Fatal as error:
        print("took", error)
    except BaseException as error:
        print("leaves by", name(error))
        raise
    yield 1000


def a_delegate_turns_a_throw_into_something_else():
    for thrown in (Retry, Skip, Reset, Fatal):
        gen = Reader(around_turning())
        gen.first(2)
        gen.throw(thrown("hey"))
        gen.next()
        gen.finish()


def over_count(code):
    try:
        result = yield from range(1, 5)
        print("counted, result", "none" if result is None else "some")
    except code as error:
        print("pending at the yield-from:", error)
    except BaseException as error:
        print("over_count ends by", name(error))
        raise
    yield "after"


def a_throw_over_a_delegate_without_a_body():
    Reader(over_count(Reset)).all()
    gen = Reader(over_count(Reset))
    gen.first(2)
    gen.throw(Reset("caught"))
    gen.next()
    gen.finish()
    gen = Reader(over_count(Reset))
    gen.first(3)
    gen.throw(Fatal("not caught"))
    gen.next()
    gen.finish()
    gen = Reader(over_count(Reset))
    gen.first(1)
    gen.finish()


def heir(begun):
    yield 0
    result = yield from begun
    print("inherited", result)


def a_delegate_that_has_begun_elsewhere():
    begun = part("begun", 1, 5)
    Reader(begun).first(2)
    Reader(heir(begun)).all()
    begun = part("begun", 1, 5)
    Reader(begun).first(2)
    gen = Reader(heir(begun))
    gen.first(2)
    gen.finish()


def doubled(up):
    with closing(up):
        try:
            for value in up:
                yield 2 * value
        finally:
            print("doubled ends")


def over_chain():
    try:
        result = yield from doubled(part("source", 1, 4))
    except BaseException as error:
        print("over_chain stops:", name(error))
        raise
    print("result", "none" if result is None else "some")


def a_delegate_that_is_a_chain():
    Reader(over_chain()).all()
    gen = Reader(over_chain())
    gen.first(2)
    gen.finish()
    gen = Reader(over_chain())
    gen.first(3)
    gen.throw(Retry("into the stage, not its source"))
    gen.finish()


def deaf():
    try:
        yield 1
    except GeneratorExit:
        try:
            yield 2
        finally:
            print("deaf ends")


def over_deaf():
    try:
        yield from deaf()
        print("not reached")
    finally:
        print("over_deaf ends")


def a_delegate_that_ignores_the_close():
    gen = Reader(over_deaf())
    gen.next()
    gen.finish()


def tower(what, left):
    try:
        if left == 0:
            yield 1
            yield 2
        else:
            yield from tower(what, left - 1)
    except BaseException as error:
        print(f"{what} {left}: {name(error)}")
        raise
    print(f"{what} {left}: done")


def a_close_cleans_up_the_innermost_first():
    Reader(tower("end", 3)).all()
    gen = Reader(tower("close", 3))
    gen.next()
    gen.finish()
    gen = Reader(tower("throw", 3))
    gen.next()
    gen.throw(Fatal("down to the ground"))
    gen.finish()
    print("never started")
    Reader(tower("nothing", 3)).finish()


DEEP = 10000
cleaned = out_of_order = 0


def deep(left, catches_at):
    global cleaned, out_of_order
    total = 0
    try:
        try:
            if left == 0:
                for i in (1, 2, 3):
                    received = yield i
                    total += i * (1 if received is None else received)
            else:
                total = (yield from deep(left - 1, catches_at)) + 1
        finally:
            out_of_order += cleaned != left
            cleaned += 1
    except Retry:
        if left != catches_at:
            raise
        print(f"caught at level {left}")
    return total


def on_a_large_stack(function):
    """CPython recurses on the C stack once per level of a delegation."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20 * DEEP)
    size = threading.stack_size(1 << 29)
    try:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)


def deep_new():
    global cleaned, out_of_order
    cleaned = out_of_order = 0
    return Reader(deep(DEEP, DEEP // 2))


def ten_thousand_deep():
    def run():
        gen = deep_new()
        gen.rest()
        gen.result()
        gen.finish()
        print(f"{cleaned} ended, {out_of_order} out of order")
    on_a_large_stack(run)


def a_close_ten_thousand_deep():
    def run():
        gen = deep_new()
        gen.first(2)
        gen.finish()
        print(f"{cleaned} ended, {out_of_order} out of order")
    on_a_large_stack(run)


def a_send_and_a_throw_ten_thousand_deep():
    def run():
        gen = deep_new()
        gen.next()
        gen.send(50)
        gen.throw(Retry("half the way up"))
        gen.result()
        gen.finish()
        print(f"{cleaned} ended, {out_of_order} out of order")
        gen = deep_new()
        gen.next()
        gen.throw(Fatal("all the way up"))
        gen.finish()
        print(f"{cleaned} ended, {out_of_order} out of order")
    on_a_large_stack(run)


def leaves_a_mess():
    try:
        yield 1
    finally:
        print("the delegate fails in its clean-up")
        raise Fatal("the disk is full")


def copes(how):
    try:
        yield from leaves_a_mess()
    except Fatal as error:
        print("the delegator sees", name(error))
        if how == 0:
            raise
        print("caught")
        if how == 2:
            raise Reset("instead")
        if how == 3:
            yield 2


def a_clean_up_failure_of_a_delegate_can_be_caught():
    for how in range(4):
        gen = Reader(copes(how))
        gen.next()
        gen.finish()


PROGRAMS = [
    results_come_back, sends_and_throws_pass_through, a_close_passes_through,
    a_delegate_that_gives_nothing, the_failure_of_a_delegate_can_be_caught,
    the_failure_of_a_delegate_carries_on, what_the_delegate_lets_go_the_delegator_catches,
    a_delegate_turns_a_throw_into_something_else, a_throw_over_a_delegate_without_a_body,
    a_delegate_that_has_begun_elsewhere, a_delegate_that_is_a_chain,
    a_delegate_that_ignores_the_close, a_close_cleans_up_the_innermost_first,
    a_clean_up_failure_of_a_delegate_can_be_caught, ten_thousand_deep,
    a_close_ten_thousand_deep, a_send_and_a_throw_ten_thousand_deep,
]
