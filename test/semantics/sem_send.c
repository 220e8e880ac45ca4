/*
 * Generators as coroutines: weir_send gives the value that the pending yield receives.
 *
 * Before the first yield there is nobody to receive it, and the send is refused; a plain pull lets
 * the yield receive nothing. What a body received is lent until its next yield, so bodies here
 * read it at once. Programs that connect several coroutines do it from a body that adopted them,
 * or from the reader.
 */
#include "sem.h"

#include <string.h>

WEIR_SOURCE(echo, struct none)
{
    (void)args;
    long last = 0;
    while (sem_give(self, last)) {
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            printf("received nothing\n");
            last = -1;
        } else {
            last = *num_of(in);
            printf("received %ld\n", last);
        }
    }
    printf("echo is closed\n");
    return 0;
}

static void a_send_before_the_first_yield_is_refused(weir_scope *scope)
{
    weir_gen *gen = echo(scope, NONE);
    sem_do_send(gen, 5);
    sem_do_send(gen, 6);
    sem_do_next(gen);
    sem_do_send(gen, 7);
    sem_do_finish(gen);
}

static void a_plain_pull_receives_nothing(weir_scope *scope)
{
    weir_gen *gen = echo(scope, NONE);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_send(gen, 3);
    sem_do_next(gen);
    sem_do_send(gen, 4);
    sem_do_finish(gen);
}

/* Running averages in hundredths, since both languages divide whole numbers alike. */
WEIR_SOURCE(averager, struct none)
{
    (void)args;
    long total = 0, count = 0, average = 0;
    while (sem_give(self, average)) {
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            weir_item out = num_item(&average);
            return weir_return(self, &out);
        }
        total += *num_of(in) * 100;
        count++;
        average = total / count;
    }
    return 0;
}

static void running_average(weir_scope *scope)
{
    weir_gen *gen = averager(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 10);
    sem_do_send(gen, 30);
    sem_do_send(gen, 5);
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static void a_send_after_the_end_is_over(weir_scope *scope)
{
    weir_gen *gen = averager(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 8);
    sem_do_next(gen);
    sem_do_send(gen, 9);
    sem_do_send(gen, 9);
    sem_do_next(gen);
    sem_do_finish(gen);
}

/* Yields guesses and is told -1 (lower), 1 (higher) or 0 (right). */
WEIR_SOURCE(guesser, struct none)
{
    (void)args;
    long low = 1, high = 100, tries = 0;
    while (low <= high) {
        long guess = (low + high) / 2;
        tries++;
        if (!sem_give(self, guess)) {
            return 0;
        }
        long hint = sem_received(self, 0);
        if (hint == 0) {
            break;
        }
        if (hint < 0) {
            high = guess - 1;
        } else {
            low = guess + 1;
        }
    }
    weir_item out = num_item(&tries);
    return weir_return(self, &out);
}

static void guess_by_halving(weir_scope *scope)
{
    static const long secrets[] = {37, 50, 1, 100};
    for (size_t i = 0; i < LEN(secrets); i++) {
        weir_gen *gen = guesser(scope, NONE);
        long guess = 0;
        bool more = sem_take(gen, &guess);
        while (more) {
            long hint = secrets[i] < guess ? -1 : secrets[i] > guess;
            printf("%ld %ld\n", guess, hint);
            weir_item in = num_item(&hint), out;
            more = weir_send(gen, &in, &out) == WEIR_GOT_ITEM;
            guess = more ? *num_of(&out) : guess;
        }
        sem_do_result(gen);
        sem_do_finish(gen);
    }
}

WEIR_SOURCE(turnstile, struct none)
{
    (void)args;
    bool open = false;
    long passed = 0;
    const char *answer = "locked";
    while (sem_give_text(self, answer)) {
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            answer = open ? "open" : "locked";
        } else if (in->len == 4 && memcmp(in->data, "coin", 4) == 0) {
            answer = open ? "coin returned" : "unlocked";
            open = true;
        } else if (open) {
            open = false;
            passed++;
            answer = "pass";
        } else {
            answer = "bump";
        }
    }
    printf("%ld passed\n", passed);
    return 0;
}

static void a_state_machine(weir_scope *scope)
{
    weir_gen *gen = turnstile(scope, NONE);
    sem_do_next(gen);
    sem_do_send_text(gen, "push");
    sem_do_send_text(gen, "coin");
    sem_do_next(gen);
    sem_do_send_text(gen, "coin");
    sem_do_send_text(gen, "push");
    sem_do_send_text(gen, "push");
    sem_do_finish(gen);
}

struct grouper {
    weir_scope *scope;
};
/* One averager after the other; a plain pull closes the group, whose result is printed here. */
WEIR_SOURCE(grouper, struct grouper)
{
    for (int group = 1; group <= 2; group++) {
        const weir_item *average;
        if (!weir_yield_from(self, averager(args->scope, NONE), &average)) {
            printf("group %d is cut short\n", group);
            return 0;
        }
        printf("group %d has %ld\n", group, *num_of(average));
    }
    return 0;
}

static void averages_by_group(weir_scope *scope)
{
    weir_gen *gen = grouper(scope, (struct grouper){scope});
    sem_do_next(gen);
    sem_do_send(gen, 4);
    sem_do_send(gen, 6);
    sem_do_next(gen);
    sem_do_send(gen, 100);
    sem_do_next(gen);
    sem_do_finish(gen);

    gen = grouper(scope, (struct grouper){scope});
    sem_do_next(gen);
    sem_do_send(gen, 1);
    sem_do_finish(gen);
}

struct nested {
    weir_scope *scope;
    long depth;
};
WEIR_SOURCE(nested, struct nested)
{
    const weir_item *result;
    weir_gen *inner = args->depth == 0
                          ? averager(args->scope, NONE)
                          : nested(args->scope, (struct nested){args->scope, args->depth - 1});
    if (!weir_yield_from(self, inner, &result)) {
        return 0;
    }
    long one_more = *num_of(result) + 1;
    weir_item out = num_item(&one_more);
    return weir_return(self, &out);
}

static void a_send_reaches_the_innermost(weir_scope *scope)
{
    weir_gen *gen = nested(scope, (struct nested){scope, 4});
    sem_do_send(gen, 1);
    sem_do_next(gen);
    sem_do_send(gen, 50);
    sem_do_send(gen, 60);
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

struct printer {
    long factor;
};
WEIR_SOURCE(printer, struct printer)
{
    long seen = 0;
    while (sem_give(self, seen)) {
        printf("times %ld: %ld\n", args->factor, args->factor * sem_received(self, 0));
        seen++;
    }
    printf("times %ld saw %ld\n", args->factor, seen);
    return 0;
}

struct hub {
    weir_scope *scope;
};
/* Sends on to every target what it is sent; yields how many it has served. */
WEIR_SOURCE(hub, struct hub)
{
    weir_gen *targets[3];
    weir_item item;
    long served = 0;
    for (size_t i = 0; i < LEN(targets); i++) {
        targets[i] = printer(args->scope, (struct printer){(long)i + 1});
        weir_adopt(self, targets[i]);
        if (!weir_next(targets[i], &item)) {
            return weir_fail(self, FATAL, "a target is over");
        }
    }
    while (sem_give(self, served)) {
        long value = sem_received(self, 0);
        weir_item in = num_item(&value);
        for (size_t i = 0; i < LEN(targets); i++) {
            served += weir_send(targets[i], &in, &item) == WEIR_GOT_ITEM;
        }
    }
    printf("hub is closed\n");
    return 0;
}

static void broadcast_to_coroutines(weir_scope *scope)
{
    weir_gen *gen = hub(scope, (struct hub){scope});
    sem_do_next(gen);
    sem_do_send(gen, 5);
    sem_do_send(gen, -2);
    sem_do_finish(gen);
}

struct player {
    const char *name;
    long stamina;
};
WEIR_SOURCE(player, struct player)
{
    long ball = 0;
    while (args->stamina-- > 0) {
        if (!sem_give(self, ball)) {
            printf("%s wins at %ld\n", args->name, ball);
            return 0;
        }
        ball = sem_received(self, 0) + 1;
        printf("%s plays %ld\n", args->name, ball);
    }
    printf("%s gives up\n", args->name);
    return 0;
}

static void two_coroutines_play(weir_scope *scope)
{
    weir_gen *players[2] = {player(scope, (struct player){"ping", 4}),
                            player(scope, (struct player){"pong", 9})};
    sem_do_next(players[0]);
    sem_do_next(players[1]);
    long ball = 10;
    for (int turn = 0;; turn = 1 - turn) {
        weir_item in = num_item(&ball), out;
        if (weir_send(players[turn], &in, &out) != WEIR_GOT_ITEM) {
            break;
        }
        ball = *num_of(&out);
    }
    sem_do_finish(players[0]);
    sem_do_finish(players[1]);
}

WEIR_SOURCE(dice, struct none)
{
    (void)args;
    long state = 1;
    for (;;) {
        state = (state * 1103 + 12345) % 65536;
        if (!sem_give(self, state % 6 + 1)) {
            return 0;
        }
        state = sem_received(self, state);
    }
}

static void random_numbers_with_a_new_seed(weir_scope *scope)
{
    weir_gen *gen = dice(scope, NONE);
    sem_do_first(gen, 6);
    sem_do_send(gen, 42);
    sem_do_first(gen, 4);
    sem_do_send(gen, 42);
    sem_do_first(gen, 4);
    sem_do_finish(gen);
}

WEIR_SOURCE(smooth, struct none)
{
    (void)args;
    long window[3] = {0, 0, 0};
    size_t at = 0;
    long sum = 0;
    while (sem_give(self, sum)) {
        long value = sem_received(self, 0);
        window[at] = value;
        at = (at + 1) % 3;
        sum = window[0] + window[1] + window[2];
    }
    return 0;
}

static void sum_of_the_last_three(weir_scope *scope)
{
    weir_gen *gen = smooth(scope, NONE);
    sem_do_next(gen);
    for (long i = 1; i <= 5; i++) {
        sem_do_send(gen, i * i);
    }
    sem_do_next(gen);
    sem_do_finish(gen);
}

struct job {
    const char *name;
    long steps;
};
WEIR_SOURCE(job, struct job)
{
    for (long i = 1; i <= args->steps; i++) {
        printf("%s step %ld\n", args->name, i);
        if (!sem_give(self, i)) {
            break;
        }
    }
    printf("%s done\n", args->name);
    return 0;
}

static void a_round_robin_scheduler(weir_scope *scope)
{
    weir_gen *ready[3] = {job(scope, (struct job){"a", 3}), job(scope, (struct job){"b", 1}),
                          job(scope, (struct job){"c", 2})};
    size_t count = 3, at = 0;
    long done;
    while (count > 0) {
        at %= count;
        if (sem_take(ready[at], &done)) {
            at++;
            continue;
        }
        sem_do_finish(ready[at]);
        memmove(&ready[at], &ready[at + 1], (count - at - 1) * sizeof *ready);
        count--;
    }
}

/* Numbers are pushed, 'p' and 't' stand for plus and times; yields the top of the stack. */
WEIR_SOURCE(calculator, struct none)
{
    (void)args;
    long stack[8] = {0};
    size_t depth = 0;
    while (sem_give(self, depth > 0 ? stack[depth - 1] : 0)) {
        const weir_item *in = weir_received(self);
        if (in == NULL) {
            depth = 0;
            continue;
        }
        if (in->type != NULL) {
            stack[depth++] = *num_of(in);
            continue;
        }
        if (depth < 2) {
            return weir_fail(self, WEIR_EPARSE, "%.*s needs two", (int)in->len, in->data);
        }
        depth--;
        stack[depth - 1] =
            in->data[0] == 'p' ? stack[depth - 1] + stack[depth] : stack[depth - 1] * stack[depth];
    }
    return 0;
}

static void a_calculator_with_a_stack(weir_scope *scope)
{
    weir_gen *gen = calculator(scope, NONE);
    sem_do_next(gen);
    sem_do_send(gen, 3);
    sem_do_send(gen, 4);
    sem_do_send_text(gen, "plus");
    sem_do_send(gen, 5);
    sem_do_send_text(gen, "times");
    sem_do_next(gen);
    sem_do_send(gen, 1);
    sem_do_send_text(gen, "times");
    sem_do_finish(gen);
}

struct place {
    weir_scope *scope;
};
WEIR_SOURCE(over_numbers, struct place)
{
    if (!weir_yield_from(self, weir_count(args->scope, 1, 3), NULL)) {
        return 0;
    }
    return sem_last(self, 99);
}

static void to_send_nothing_is_to_pull(weir_scope *scope)
{
    weir_gen *gen = echo(scope, NONE);
    sem_do_send_none(gen);
    sem_do_send(gen, 5);
    sem_do_send_none(gen);
    sem_do_finish(gen);
    gen = over_numbers(scope, (struct place){scope});
    for (int i = 0; i < 6; i++) {
        sem_do_send_none(gen);
    }
    sem_do_finish(gen);
}

const struct sem_program sem_send[] = {
    SEM_PROGRAM(a_send_before_the_first_yield_is_refused),
    SEM_PROGRAM(a_plain_pull_receives_nothing),
    SEM_PROGRAM(running_average),
    SEM_PROGRAM(a_send_after_the_end_is_over),
    SEM_PROGRAM(guess_by_halving),
    SEM_PROGRAM(a_state_machine),
    SEM_PROGRAM(averages_by_group),
    SEM_PROGRAM(a_send_reaches_the_innermost),
    SEM_PROGRAM(broadcast_to_coroutines),
    SEM_PROGRAM(two_coroutines_play),
    SEM_PROGRAM(random_numbers_with_a_new_seed),
    SEM_PROGRAM(sum_of_the_last_three),
    SEM_PROGRAM(a_round_robin_scheduler),
    SEM_PROGRAM(a_calculator_with_a_stack),
    SEM_PROGRAM(to_send_nothing_is_to_pull),
    SEM_END,
};
