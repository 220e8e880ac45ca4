from contextlib import ExitStack, closing

from sem_common import Parse, Reader


def echo():
    last = 0
    try:
        while True:
            value = yield last
            if value is None:
                print("received nothing")
                last = -1
            else:
                last = value
                print(f"received {last}")
    finally:
        print("echo is closed")


def a_send_before_the_first_yield_is_refused():
    gen = Reader(echo())
    gen.send(5)
    gen.send(6)
    gen.next()
    gen.send(7)
    gen.finish()


def a_plain_pull_receives_nothing():
    gen = Reader(echo())
    gen.next()
    gen.next()
    gen.send(3)
    gen.next()
    gen.send(4)
    gen.finish()


def averager():
    total = count = average = 0
    while True:
        value = yield average
        if value is None:
            return average
        total += value * 100
        count += 1
        average = total // count


def running_average():
    gen = Reader(averager())
    gen.next()
    gen.send(10)
    gen.send(30)
    gen.send(5)
    gen.next()
    gen.result()
    gen.finish()


def a_send_after_the_end_is_over():
    gen = Reader(averager())
    gen.next()
    gen.send(8)
    gen.next()
    gen.send(9)
    gen.send(9)
    gen.next()
    gen.finish()


def guesser():
    low, high, tries = 1, 100, 0
    while low <= high:
        guess = (low + high) // 2
        tries += 1
        hint = yield guess
        if hint == 0:
            break
        if hint < 0:
            high = guess - 1
        else:
            low = guess + 1
    return tries


def guess_by_halving():
    for secret in (37, 50, 1, 100):
        gen = guesser()
        guess = next(gen)
        while True:
            hint = (secret > guess) - (secret < guess)
            print(guess, hint)
            try:
                guess = gen.send(hint)
            except StopIteration as end:
                print("result", end.value)
                break
        Reader(gen).finish()


def turnstile():
    is_open = False
    passed = 0
    answer = "locked"
    try:
        while True:
            event = yield answer
            if event is None:
                answer = "open" if is_open else "locked"
            elif event == "coin":
                answer = "coin returned" if is_open else "unlocked"
                is_open = True
            elif is_open:
                is_open = False
                passed += 1
                answer = "pass"
            else:
                answer = "bump"
    finally:
        print(passed, "passed")


def a_state_machine():
    gen = Reader(turnstile())
    gen.next()
    gen.send("push")
    gen.send("coin")
    gen.next()
    gen.send("coin")
    gen.send("push")
    gen.send("push")
    gen.finish()


def grouper():
    for group in (1, 2):
        try:
            average = yield from averager()
        except GeneratorExit:
            print(f"group {group} is cut short")
            raise
        print(f"group {group} has {average}")


def averages_by_group():
    gen = Reader(grouper())
    gen.next()
    gen.send(4)
    gen.send(6)
    gen.next()
    gen.send(100)
    gen.next()
    gen.finish()
    gen = Reader(grouper())
    gen.next()
    gen.send(1)
    gen.finish()


def nested(depth):
    inner = averager() if depth == 0 else nested(depth - 1)
    return (yield from inner) + 1


def a_send_reaches_the_innermost():
    gen = Reader(nested(4))
    gen.send(1)
    gen.next()
    gen.send(50)
    gen.send(60)
    gen.next()
    gen.result()
    gen.finish()


def printer(factor):
    seen = 0
    try:
        while True:
            value = yield seen
            print(f"times {factor}: {factor * value}")
            seen += 1
    finally:
        print(f"times {factor} saw {seen}")


def hub():
    with ExitStack() as stack:
        targets = []
        for i in range(3):
            target = stack.enter_context(closing(printer(i + 1)))
            targets.append(target)
            next(target)
        served = 0
        try:
            while True:
                value = yield served
                for target in targets:
                    target.send(value)
                    served += 1
        finally:
            print("hub is closed")


def broadcast_to_coroutines():
    gen = Reader(hub())
    gen.next()
    gen.send(5)
    gen.send(-2)
    gen.finish()


def player(name, stamina):
    ball = 0
    for _ in range(stamina):
        try:
            value = yield ball
        except GeneratorExit:
            print(f"{name} wins at {ball}")
            raise
        ball = value + 1
        print(f"{name} plays {ball}")
    print(f"{name} gives up")


def two_coroutines_play():
    players = [Reader(player("ping", 4)), Reader(player("pong", 9))]
    players[0].next()
    players[1].next()
    ball = 10
    turn = 0
    while True:
        try:
            ball = players[turn].gen.send(ball)
        except StopIteration:
            break
        turn = 1 - turn
    players[0].finish()
    players[1].finish()


def dice():
    state = 1
    while True:
        state = (state * 1103 + 12345) % 65536
        seed = yield state % 6 + 1
        if seed is not None:
            state = seed


def random_numbers_with_a_new_seed():
    gen = Reader(dice())
    gen.first(6)
    gen.send(42)
    gen.first(4)
    gen.send(42)
    gen.first(4)
    gen.finish()


def smooth():
    window = [0, 0, 0]
    at = 0
    while True:
        value = yield sum(window)
        window[at] = value or 0
        at = (at + 1) % 3


def sum_of_the_last_three():
    gen = Reader(smooth())
    gen.next()
    for i in range(1, 6):
        gen.send(i * i)
    gen.next()
    gen.finish()


def job(name, steps):
    try:
        for i in range(1, steps + 1):
            print(f"{name} step {i}")
            yield i
    finally:
        print(f"{name} done")


def a_round_robin_scheduler():
    ready = [job("a", 3), job("b", 1), job("c", 2)]
    at = 0
    while ready:
        at %= len(ready)
        try:
            next(ready[at])
            at += 1
        except StopIteration:
            Reader(ready.pop(at)).finish()


def calculator():
    stack = []
    while True:
        value = yield stack[-1] if stack else 0
        if value is None:
            stack.clear()
        elif isinstance(value, int):
            stack.append(value)
        else:
            if len(stack) < 2:
                raise Parse(f"{value} needs two")
            b, a = stack.pop(), stack.pop()
            stack.append(a + b if value == "plus" else a * b)


def a_calculator_with_a_stack():
    gen = Reader(calculator())
    gen.next()
    gen.send(3)
    gen.send(4)
    gen.send("plus")
    gen.send(5)
    gen.send("times")
    gen.next()
    gen.send(1)
    gen.send("times")
    gen.finish()


def over_numbers():
    yield from range(1, 4)
    yield 99


def to_send_nothing_is_to_pull():
    gen = Reader(echo())
    gen.send(None)
    gen.send(5)
    gen.send(None)
    gen.finish()
    gen = Reader(over_numbers())
    for _ in range(6):
        gen.send(None)
    gen.finish()


PROGRAMS = [
    a_send_before_the_first_yield_is_refused, a_plain_pull_receives_nothing, running_average,
    a_send_after_the_end_is_over, guess_by_halving, a_state_machine, averages_by_group,
    a_send_reaches_the_innermost, broadcast_to_coroutines, two_coroutines_play,
    random_numbers_with_a_new_seed, sum_of_the_last_three, a_round_robin_scheduler,
    a_calculator_with_a_stack, to_send_nothing_is_to_pull,
]
