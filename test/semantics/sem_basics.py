import weakref
from itertools import islice

from sem_common import Fatal, Reader, name, show_finish


def span(first, last):
    print(f"span starts at {first}")
    try:
        yield from range(first, last + 1)
    finally:
        print("span ends")


def making_runs_nothing():
    gen = Reader(span(1, 2))
    print("made")
    gen.next()
    gen.next()
    gen.next()
    gen.finish()


def the_end_is_final():
    gen = Reader(span(7, 7))
    for _ in range(5):
        gen.next()
    gen.send(3)
    gen.next()
    gen.finish()


def empty():
    print("nothing to give")
    return
    yield


def an_empty_body_gives_nothing():
    gen = Reader(empty())
    gen.next()
    gen.next()
    gen.result()
    gen.finish()


def dig(depth):
    mine = depth * 10
    if depth > 0:
        yield from dig(depth - 1)
        print(f"back at depth {depth} with {mine}")
    yield mine


def digger():
    yield from dig(3)
    print("digger is through")


def yields_from_any_call_depth():
    gen = Reader(digger())
    for _ in range(5):
        gen.next()
    gen.finish()


def instances_know_nothing_of_each_other():
    low = Reader(span(1, 3))
    high = Reader(span(100, 101))
    low.next()
    high.next()
    low.next()
    high.next()
    high.next()
    high.finish()
    low.next()
    low.finish()


def arguments_are_the_generators_own():
    bounds = [4, 6]
    gen = Reader(span(*bounds))
    bounds[:] = [0, 0]
    gen.all()
    Reader(span(*bounds)).all()


def euclid(a, b):
    while b != 0:
        a, b = b, a % b
        yield b
    return a


def a_result_is_no_item():
    gen = Reader(euclid(1071, 462))
    gen.rest()
    gen.result()
    gen.next()
    gen.result()
    gen.finish()
    gen = Reader(euclid(13, 0))
    gen.next()
    gen.result()
    gen.finish()


def without_a_return_there_is_no_result():
    gen = Reader(span(1, 1))
    gen.rest()
    gen.result()
    gen.finish()


def finish_in_the_middle_cleans_up():
    gen = Reader(span(1, 1000000))
    gen.first(4)
    gen.finish()
    print("after finish")


def finish_of_an_unstarted_one_runs_nothing():
    Reader(span(1, 3)).finish()
    gen = Reader(span(1, 3))
    print("still nothing ran")
    gen.finish()


dropped = 0


def count_drop(first, last):
    global dropped
    print(f"drop of {first}..{last}")
    dropped += 1


def owned(first, last):
    gen = span(first, last)
    weakref.finalize(gen, count_drop, first, last)
    return gen


def drop_runs_exactly_once():
    global dropped
    dropped = 0
    for what, first, last, items in (("never started", 1, 3, 0), ("closed", 4, 6, 1)):
        gen = owned(first, last)
        if items:
            line = "first ->"
            for item in islice(gen, items):
                line += f" {item}"
            print(line)
            print(f"while it lives: {dropped}")
        gen.close()
        del gen
        show_finish(None)
        print(f"{what}: {dropped}")


def drop_runs_once_after_a_throw_before_the_start():
    global dropped
    dropped = 0
    gen = owned(1, 2)
    failure = None
    gave = False
    try:
        gen.throw(Fatal("too early"))
        gave = True
    except Fatal as error:
        failure = error.with_traceback(None)
    gave = next(gen, None) is not None or gave
    gen.close()
    del gen
    print(f"{'gave' if gave else 'gave nothing'}, {name(failure)}, {dropped}")


def growing():
    word = ""
    try:
        for letter in "abcdefg":
            word += letter
            yield word
            word = "A" + word[1:]
    finally:
        print("last word", word)


def a_body_yields_its_own_local():
    gen = Reader(growing())
    gen.first(3)
    gen.next()
    gen.all()


def bursts():
    try:
        for burst in range(1, 4):
            print(f"burst {burst}")
            yield from [burst * 10 + i for i in range(burst + 1)]
    finally:
        print("bursts end")


def many_are_taken_one_by_one():
    gen = Reader(bursts())
    gen.next()
    gen.next()
    gen.next()
    gen.all()


def portion(gen, want):
    line = f"portion of {want} ->"
    for item in islice(gen, want):
        line += f" {item}"
    print(line)


def demand_is_never_exceeded():
    gen = bursts()
    for want in (1, 3, 1, 3, 5, 2):
        portion(gen, want)
    Reader(gen).finish()
    gen = bursts()
    portion(gen, 2)
    portion(gen, 1)
    Reader(gen).finish()


def mixed():
    try:
        yield 1
        yield "two"
        yield 3
    except GeneratorExit:
        print("stopped")
        raise
    try:
        yield ""
    except GeneratorExit:
        print("stopped at the empty one")
        raise


def values_of_several_kinds():
    Reader(mixed()).all()
    for stop in (2, 3, 4):
        gen = Reader(mixed())
        gen.first(stop)
        gen.finish()


PROGRAMS = [
    making_runs_nothing, the_end_is_final, an_empty_body_gives_nothing, yields_from_any_call_depth,
    instances_know_nothing_of_each_other, arguments_are_the_generators_own, a_result_is_no_item,
    without_a_return_there_is_no_result, finish_in_the_middle_cleans_up,
    finish_of_an_unstarted_one_runs_nothing, drop_runs_exactly_once,
    drop_runs_once_after_a_throw_before_the_start, a_body_yields_its_own_local,
    many_are_taken_one_by_one, demand_is_never_exceeded, values_of_several_kinds,
]
