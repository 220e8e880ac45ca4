/*
 * Stages: generators that read generators. Filters, windows, zips, merges, a sieve.
 *
 * A stage owns what it reads and is entered by its reader only, so one pull at the end of a chain
 * runs exactly as much of it as that item needs; a_chain_runs_on_demand prints it. Stages that
 * read several generators adopt the others. Where a stage stops reading early it returns, and what
 * it reads is closed.
 */
#include "sem.h"

#include <string.h>

struct noisy {
    long last;
};
/* Counts from 1 and says so: shows what is pulled when, and how it ends. */
WEIR_SOURCE(noisy, struct noisy)
{
    long i;
    for (i = 1; i <= args->last; i++) {
        printf("make %ld\n", i);
        if (!sem_give(self, i)) {
            break;
        }
    }
    printf("source ends at %ld\n", i);
    return 0;
}

WEIR_STAGE(evens, struct none)
{
    (void)args;
    long value;
    while (sem_take(up, &value)) {
        printf("look at %ld\n", value);
        if (value % 2 == 0 && !sem_give(self, value)) {
            break;
        }
    }
    return 0;
}

WEIR_STAGE(squares, struct none)
{
    (void)args;
    long value;
    while (sem_take(up, &value) && sem_give(self, value * value)) {}
    return 0;
}

static void a_chain_runs_on_demand(weir_scope *scope)
{
    weir_gen *gen = squares(evens(noisy(scope, (struct noisy){9}), NONE), NONE);
    printf("built\n");
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
    sem_do_all(squares(evens(noisy(scope, (struct noisy){3}), NONE), NONE));
}

struct window {
    size_t width;
};
WEIR_STAGE(chunks, struct window)
{
    char line[128];
    long value;
    size_t have = 0;
    line[0] = '\0';
    while (sem_take(up, &value)) {
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, have > 0 ? ",%ld" : "%ld", value);
        if (++have == args->width) {
            if (!sem_give_text(self, line)) {
                return 0;
            }
            have = 0;
            line[0] = '\0';
        }
    }
    if (have > 0 && !sem_give_text(self, line)) {
        return 0;
    }
    return 0;
}

static void chunks_with_a_rest(weir_scope *scope)
{
    sem_do_all(chunks(sem_numbers(scope, 1, 7), (struct window){3}));
    sem_do_all(chunks(sem_numbers(scope, 1, 6), (struct window){3}));
    sem_do_all(chunks(sem_numbers(scope, 1, 0), (struct window){3}));
    weir_gen *gen = chunks(noisy(scope, (struct noisy){9}), (struct window){2});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

WEIR_STAGE(sums, struct window)
{
    long ring[8] = {0};
    long value, sum = 0;
    size_t seen = 0;
    while (sem_take(up, &value)) {
        long *slot = &ring[seen++ % args->width];
        sum += value - *slot;
        *slot = value;
        if (seen >= args->width && !sem_give(self, sum)) {
            break;
        }
    }
    return 0;
}

static void sums_over_a_sliding_window(weir_scope *scope)
{
    sem_do_all(sums(sem_numbers(scope, 1, 8), (struct window){3}));
    sem_do_all(sums(sem_numbers(scope, 1, 2), (struct window){3}));
    sem_do_all(sums(squares(sem_numbers(scope, 1, 5), NONE), (struct window){2}));
}

WEIR_STAGE(runs, struct none)
{
    (void)args;
    char line[32];
    long value, last = 0, count = 0;
    while (sem_take(up, &value)) {
        if (count > 0 && value != last) {
            snprintf(line, sizeof line, "%ldx%ld", count, last);
            if (!sem_give_text(self, line)) {
                return 0;
            }
            count = 0;
        }
        last = value;
        count++;
    }
    if (count == 0) {
        return 0;
    }
    snprintf(line, sizeof line, "%ldx%ld", count, last);
    return sem_last_text(self, line);
}

struct list {
    const long *values;
    size_t count;
};
WEIR_SOURCE(list, struct list)
{
    for (size_t i = 0; i < args->count; i++) {
        if (!sem_give(self, args->values[i])) {
            return 0;
        }
    }
    return 0;
}
#define LIST(scope, array) list(scope, (struct list){array, LEN(array)})

static const long repeated[] = {4, 4, 7, 7, 7, 4, 9, 9};

static void runs_of_equal_values(weir_scope *scope)
{
    sem_do_all(runs(LIST(scope, repeated), NONE));
    sem_do_all(runs(sem_numbers(scope, 5, 5), NONE));
    sem_do_all(runs(sem_numbers(scope, 5, 4), NONE));
}

WEIR_STAGE(dedupe, struct none)
{
    (void)args;
    bool seen[16] = {false};
    long value;
    while (sem_take(up, &value)) {
        if (seen[value]) {
            continue;
        }
        seen[value] = true;
        if (!sem_give(self, value)) {
            return 0;
        }
    }
    return 0;
}

static void each_value_once(weir_scope *scope)
{
    sem_do_all(dedupe(LIST(scope, repeated), NONE));
    sem_do_all(runs(dedupe(LIST(scope, repeated), NONE), NONE));
}

struct bound {
    long below;
};
WEIR_STAGE(take_while, struct bound)
{
    long value;
    while (sem_take(up, &value) && value < args->below && sem_give(self, value)) {}
    printf("take_while ends\n");
    return 0;
}

WEIR_STAGE(drop_while, struct bound)
{
    long value;
    bool dropping = true;
    while (sem_take(up, &value)) {
        dropping = dropping && value < args->below;
        if (!dropping && !sem_give(self, value)) {
            return 0;
        }
    }
    return 0;
}

static void take_while_and_drop_while(weir_scope *scope)
{
    sem_do_all(take_while(noisy(scope, (struct noisy){9}), (struct bound){3}));
    sem_do_all(drop_while(sem_numbers(scope, 1, 6), (struct bound){4}));
    sem_do_all(take_while(drop_while(noisy(scope, (struct noisy){9}), (struct bound){3}),
                          (struct bound){5}));
    sem_do_all(drop_while(LIST(scope, repeated), (struct bound){5}));
}

struct limit {
    long count;
};
/* Ends what it reads before it gives its last item. */
WEIR_STAGE(limited, struct limit)
{
    long value;
    for (long i = 1; i <= args->count && sem_take(up, &value); i++) {
        if (i == args->count) {
            weir_discard(up);
            return sem_last(self, value);
        }
        if (!sem_give(self, value)) {
            break;
        }
    }
    return 0;
}

static void the_limit_closes_early(weir_scope *scope)
{
    weir_gen *gen = limited(noisy(scope, (struct noisy){100}), (struct limit){2});
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
    sem_do_all(limited(noisy(scope, (struct noisy){1}), (struct limit){2}));
}

struct pair {
    weir_gen *second;
};
/* Ends with the shorter one; a value of the longer may be lost, as with Python's zip. */
WEIR_STAGE(zipped, struct pair)
{
    char line[64];
    long a, b;
    weir_adopt(self, args->second);
    while (sem_take(up, &a) && sem_take(args->second, &b)) {
        snprintf(line, sizeof line, "%ld:%ld", a, b);
        if (!sem_give_text(self, line)) {
            break;
        }
    }
    return 0;
}

static void zipped_to_the_shorter(weir_scope *scope)
{
    sem_do_all(zipped(noisy(scope, (struct noisy){4}), (struct pair){sem_numbers(scope, 11, 12)}));
    sem_do_all(zipped(sem_numbers(scope, 1, 2), (struct pair){noisy(scope, (struct noisy){4})}));
}

/* Both to their ends; a missing value is shown as '-'. */
WEIR_STAGE(zipped_long, struct pair)
{
    char line[64], left[24], right[24];
    long a = 0, b = 0;
    weir_adopt(self, args->second);
    for (;;) {
        bool more_a = sem_take(up, &a);
        bool more_b = sem_take(args->second, &b);
        if (!more_a && !more_b) {
            return 0;
        }
        snprintf(left, sizeof left, more_a ? "%ld" : "-", a);
        snprintf(right, sizeof right, more_b ? "%ld" : "-", b);
        snprintf(line, sizeof line, "%s:%s", left, right);
        if (!sem_give_text(self, line)) {
            return 0;
        }
    }
}

static void zipped_to_the_longer(weir_scope *scope)
{
    sem_do_all(zipped_long(sem_numbers(scope, 1, 3), (struct pair){sem_numbers(scope, 7, 11)}));
    sem_do_all(zipped_long(sem_numbers(scope, 1, 2), (struct pair){sem_numbers(scope, 9, 9)}));
}

enum { READ_MAX = 4 };
struct several {
    weir_gen *gens[READ_MAX];
    size_t count;
};
WEIR_STAGE(round_robin, struct several)
{
    weir_gen *turn[READ_MAX + 1] = {up};
    size_t count = 1 + args->count;
    long value;
    for (size_t i = 0; i < args->count; i++) {
        turn[i + 1] = args->gens[i];
        weir_adopt(self, args->gens[i]);
    }
    for (size_t at = 0; count > 0;) {
        at %= count;
        if (!sem_take(turn[at], &value)) {
            printf("one is over, %zu left\n", --count);
            memmove(&turn[at], &turn[at + 1], (count - at) * sizeof turn[0]);
        } else if (sem_give(self, value)) {
            at++;
        } else {
            return 0;
        }
    }
    return 0;
}

static void several_by_turns(weir_scope *scope)
{
    struct several others = {{sem_numbers(scope, 10, 10), sem_numbers(scope, 20, 23)}, 2};
    sem_do_all(round_robin(sem_numbers(scope, 1, 3), others));
    others = (struct several){{noisy(scope, (struct noisy){5})}, 1};
    weir_gen *gen = round_robin(noisy(scope, (struct noisy){5}), others);
    sem_do_first(gen, 3);
    sem_do_finish(gen);
}

/* Merges two ascending ones, so it must look one item ahead in each. */
WEIR_STAGE(merged, struct pair)
{
    long a = 0, b = 0;
    weir_adopt(self, args->second);
    bool more_a = sem_take(up, &a);
    bool more_b = sem_take(args->second, &b);
    while (more_a || more_b) {
        bool from_a = more_a && (!more_b || a <= b);
        if (!sem_give(self, from_a ? a : b)) {
            return 0;
        }
        if (from_a) {
            more_a = sem_take(up, &a);
        } else {
            more_b = sem_take(args->second, &b);
        }
    }
    return 0;
}

static void two_ascending_ones_are_merged(weir_scope *scope)
{
    static const long odd[] = {1, 4, 4, 9}, other[] = {2, 4, 5, 20, 21};
    sem_do_all(merged(LIST(scope, odd), (struct pair){LIST(scope, other)}));
    sem_do_all(merged(sem_numbers(scope, 1, 0), (struct pair){LIST(scope, odd)}));
    weir_gen *hamming =
        merged(squares(sem_numbers(scope, 1, 9), NONE), (struct pair){sem_numbers(scope, 10, 40)});
    sem_do_first(hamming, 8);
    sem_do_finish(hamming);
}

WEIR_STAGE(without_multiples, struct bound)
{
    long value;
    while (sem_take(up, &value)) {
        if (value % args->below != 0 && !sem_give(self, value)) {
            break;
        }
    }
    printf("filter of %ld ends\n", args->below);
    return 0;
}

struct place {
    weir_scope *scope;
};
/* The sieve grows by one stage with each prime: what it reads is put behind a new filter. */
WEIR_SOURCE(primes, struct place)
{
    long prime;
    weir_gen *rest = sem_numbers(args->scope, 2, 1000000);
    while (sem_take(rest, &prime)) {
        if (!sem_give(self, prime)) {
            break;
        }
        rest = without_multiples(rest, (struct bound){prime});
    }
    sem_do_finish(rest);
    return 0;
}

static void a_sieve_that_grows(weir_scope *scope)
{
    weir_gen *gen = primes(scope, (struct place){scope});
    sem_do_first(gen, 10);
    sem_do_finish(gen);
}

WEIR_SOURCE(fibonacci, struct none)
{
    (void)args;
    long a = 0, b = 1;
    while (sem_give(self, a)) {
        long next = a + b;
        a = b;
        b = next;
    }
    printf("fibonacci is closed at %ld\n", a);
    return 0;
}

struct slice {
    long start, stop, step;
};
WEIR_STAGE(slice, struct slice)
{
    long value;
    for (long i = 0; i < args->stop && sem_take(up, &value); i++) {
        if (i >= args->start && (i - args->start) % args->step == 0 && !sem_give(self, value)) {
            break;
        }
    }
    return 0;
}

static void slices_of_fibonacci(weir_scope *scope)
{
    sem_do_all(slice(fibonacci(scope, NONE), (struct slice){0, 10, 1}));
    sem_do_all(slice(fibonacci(scope, NONE), (struct slice){5, 20, 4}));
    sem_do_all(
        slice(slice(fibonacci(scope, NONE), (struct slice){0, 50, 2}), (struct slice){0, 5, 2}));
}

/* One item in, several out. */
WEIR_STAGE(words, struct none)
{
    (void)args;
    weir_item line;
    while (weir_next(up, &line)) {
        size_t from = 0;
        for (size_t at = 0; at <= line.len; at++) {
            if (at < line.len && line.data[at] != ' ') {
                continue;
            }
            weir_item word = weir_bytes(line.data + from, at - from);
            if (at > from && !weir_yield(self, &word)) {
                return 0;
            }
            from = at + 1;
        }
    }
    return 0;
}

WEIR_SOURCE(poem, struct none)
{
    (void)args;
    if (sem_give_text(self, "so much depends") && sem_give_text(self, "") &&
        sem_give_text(self, "  upon") && sem_give_text(self, "a red wheel barrow ")) {
        printf("the poem is over\n");
        return 0;
    }
    printf("the poem is cut\n");
    return 0;
}

static void lines_to_words(weir_scope *scope)
{
    sem_do_all(words(poem(scope, NONE), NONE));
    weir_gen *gen = words(poem(scope, NONE), NONE);
    sem_do_first(gen, 4);
    sem_do_finish(gen);
}

struct product {
    weir_scope *scope;
    long count;
};
/* For each item of up a fresh inner generator, which is finished before the next. */
WEIR_STAGE(product, struct product)
{
    char line[64];
    long a, b;
    while (sem_take(up, &a)) {
        weir_gen *inner = sem_numbers(args->scope, 1, args->count);
        weir_adopt(self, inner);
        while (sem_take(inner, &b)) {
            snprintf(line, sizeof line, "%ldx%ld", a, b);
            if (!sem_give_text(self, line)) {
                return 0;
            }
        }
        weir_discard(inner);
    }
    return 0;
}

static void every_pair_of_two(weir_scope *scope)
{
    sem_do_all(product(sem_numbers(scope, 5, 7), (struct product){scope, 3}));
    weir_gen *gen = product(noisy(scope, (struct noisy){3}), (struct product){scope, 2});
    sem_do_first(gen, 3);
    sem_do_finish(gen);
}

/* Passes items on and answers a send with how many there were. */
WEIR_STAGE(counted, struct none)
{
    (void)args;
    long value, count = 0;
    while (sem_take(up, &value)) {
        count++;
        if (!sem_give(self, value)) {
            break;
        }
        while (weir_received(self) != NULL) {
            if (!sem_give(self, -count)) {
                return 0;
            }
        }
    }
    weir_item out = num_item(&count);
    return weir_return(self, &out);
}

static void a_stage_that_listens(weir_scope *scope)
{
    weir_gen *gen = counted(noisy(scope, (struct noisy){3}), NONE);
    sem_do_send(gen, 1);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_send(gen, 1);
    sem_do_send(gen, 1);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_result(gen);
    sem_do_finish(gen);
}

static bool is_odd(const weir_item *item, const void *args)
{
    (void)args;
    return (item->data[item->len - 1] - '0') % 2 != 0;
}

static void ready_made_stages(weir_scope *scope)
{
    sem_do_all(weir_head(weir_count(scope, 5, WEIR_NONE), 4));
    sem_do_all(weir_filter(weir_count(scope, 1, 9), "odd", is_odd, NULL, 0));
    sem_do_all(weir_skip(weir_count(scope, 1, 6), 4));
    sem_do_all(weir_grep(weir_count(scope, 1, 40), "3"));
    sem_do_all(weir_head(noisy(scope, (struct noisy){9}), 2));
    sem_do_all(weir_head(noisy(scope, (struct noisy){9}), 0));
    sem_do_all(squares(weir_skip(weir_head(noisy(scope, (struct noisy){9}), 4), 2), NONE));
}

const struct sem_program sem_pipeline[] = {
    SEM_PROGRAM(a_chain_runs_on_demand),
    SEM_PROGRAM(chunks_with_a_rest),
    SEM_PROGRAM(sums_over_a_sliding_window),
    SEM_PROGRAM(runs_of_equal_values),
    SEM_PROGRAM(each_value_once),
    SEM_PROGRAM(take_while_and_drop_while),
    SEM_PROGRAM(the_limit_closes_early),
    SEM_PROGRAM(zipped_to_the_shorter),
    SEM_PROGRAM(zipped_to_the_longer),
    SEM_PROGRAM(several_by_turns),
    SEM_PROGRAM(two_ascending_ones_are_merged),
    SEM_PROGRAM(a_sieve_that_grows),
    SEM_PROGRAM(slices_of_fibonacci),
    SEM_PROGRAM(lines_to_words),
    SEM_PROGRAM(every_pair_of_two),
    SEM_PROGRAM(a_stage_that_listens),
    SEM_PROGRAM(ready_made_stages),
    SEM_END,
};
