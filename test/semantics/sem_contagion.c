/*
 * Failures in chains: they travel downstream by themselves, after the items, until a stage takes
 * them.
 *
 * A stage whose upstream has failed may still yield (a part chunk, a replacement) before it
 * returns; the failure comes on the call after. weir_catch(up, CODE) is "except CODE" around the
 * reading loop. A stage that fails by itself, or stops early, closes what it reads, and a failure
 * of that clean-up travels on as well.
 */
#include "sem.h"

#include <string.h>

struct flaky {
    long good;
    int code; /* 0: ends properly */
};
WEIR_SOURCE(flaky, struct flaky)
{
    for (long i = 1; i <= args->good; i++) {
        if (!sem_give(self, i)) {
            printf("flaky is stopped by %s\n", sem_pending(self));
            return 0;
        }
    }
    if (args->code != 0) {
        return weir_fail(self, args->code, "no item %ld", args->good + 1);
    }
    printf("flaky ends\n");
    return 0;
}

struct stage {
    const char *name;
};
WEIR_STAGE(pass, struct stage)
{
    long value;
    while (sem_take(up, &value) && sem_give(self, value * 10)) {}
    printf("%s is cleaned up\n", args->name);
    return 0;
}

static weir_gen *three(weir_gen *gen)
{
    gen = pass(gen, (struct stage){"first"});
    gen = pass(gen, (struct stage){"second"});
    return pass(gen, (struct stage){"third"});
}

static void a_failure_travels_through_three_stages(weir_scope *scope)
{
    weir_gen *gen = three(flaky(scope, (struct flaky){2, WEIR_EPARSE}));
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
    sem_do_all(three(flaky(scope, (struct flaky){0, FATAL})));
    sem_do_all(three(flaky(scope, (struct flaky){1, 0})));
}

struct forgive {
    int code;
};
WEIR_STAGE(forgive, struct forgive)
{
    weir_error error;
    long value;
    while (sem_take(up, &value)) {
        if (!sem_give(self, value)) {
            return 0;
        }
    }
    if (weir_catch(up, args->code, &error)) {
        printf("forgave %s: %s\n", sem_name(error.code), error.message);
        return sem_last(self, -1);
    }
    printf("there was %s\n", error.code == 0 ? "nothing to forgive" : sem_name(error.code));
    return 0;
}

static void a_forgiving_stage_in_the_middle(weir_scope *scope)
{
    static const int codes[] = {WEIR_EPARSE, FATAL, 0};
    for (size_t i = 0; i < LEN(codes); i++) {
        weir_gen *gen = pass(flaky(scope, (struct flaky){2, codes[i]}), (struct stage){"before"});
        gen = forgive(gen, (struct forgive){WEIR_EPARSE});
        sem_do_all(pass(gen, (struct stage){"after"}));
    }
    weir_gen *gen = forgive(flaky(scope, (struct flaky){1, RETRY}), (struct forgive){WEIR_ANY});
    sem_do_first(gen, 2);
    sem_do_finish(gen);
}

struct place {
    weir_scope *scope;
};
/* The first that breaks is replaced by a second. */
WEIR_STAGE(fallback, struct place)
{
    weir_error error;
    long value;
    while (sem_take(up, &value)) {
        if (!sem_give(self, value)) {
            return 0;
        }
    }
    if (!weir_catch(up, WEIR_ANY, &error)) {
        return 0;
    }
    printf("falls back after: %s\n", error.message);
    weir_gen *other = flaky(args->scope, (struct flaky){3, FATAL});
    weir_adopt(self, other);
    while (sem_take(other, &value)) {
        if (!sem_give(self, value + 100)) {
            return 0;
        }
    }
    return 0;
}

static void a_second_source_when_the_first_breaks(weir_scope *scope)
{
    sem_do_all(fallback(flaky(scope, (struct flaky){2, WEIR_EPARSE}), (struct place){scope}));
    weir_gen *gen = fallback(flaky(scope, (struct flaky){2, WEIR_EPARSE}), (struct place){scope});
    sem_do_first(gen, 4);
    sem_do_finish(gen);
    sem_do_all(fallback(flaky(scope, (struct flaky){2, 0}), (struct place){scope}));
}

struct retrying {
    weir_scope *scope;
    long heal_at;
};
WEIR_SOURCE(retrying, struct retrying)
{
    weir_error error;
    long value;
    for (long attempt = 1; attempt <= 3; attempt++) {
        int code = attempt == args->heal_at ? 0 : RETRY;
        weir_gen *gen = flaky(args->scope, (struct flaky){attempt, code});
        weir_adopt(self, gen);
        while (sem_take(gen, &value)) {
            if (!sem_give(self, attempt * 10 + value)) {
                return 0;
            }
        }
        if (!weir_catch(gen, RETRY, &error)) {
            return 0; /* a proper end */
        }
        printf("attempt %ld: %s\n", attempt, error.message);
        weir_discard(gen);
    }
    return weir_fail(self, FATAL, "three attempts");
}

static void a_source_is_tried_again(weir_scope *scope)
{
    sem_do_all(retrying(scope, (struct retrying){scope, 1}));
    sem_do_all(retrying(scope, (struct retrying){scope, 3}));
    sem_do_all(retrying(scope, (struct retrying){scope, 4}));
}

WEIR_STAGE(pairs, struct none)
{
    (void)args;
    char line[64] = "";
    long value, have = 0;
    while (sem_take(up, &value)) {
        if (++have % 2 == 1) {
            snprintf(line, sizeof line, "%ld", value);
            continue;
        }
        size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "+%ld", value);
        if (!sem_give_text(self, line)) {
            return 0;
        }
        line[0] = '\0';
    }
    /* The failure of up is pending now, and waits for what is still to be given. */
    if (line[0] != '\0' && !sem_give_text(self, line)) {
        printf("the rest was not wanted\n");
    }
    return 0;
}

static void the_part_chunk_comes_before_the_failure(weir_scope *scope)
{
    weir_gen *gen = pairs(flaky(scope, (struct flaky){3, WEIR_EPARSE}), NONE);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_next(gen);
    sem_do_finish(gen);
    sem_do_all(pairs(flaky(scope, (struct flaky){4, WEIR_EPARSE}), NONE));
    sem_do_all(pairs(flaky(scope, (struct flaky){3, 0}), NONE));
}

struct limit {
    long below;
};
WEIR_STAGE(check, struct limit)
{
    long value;
    while (sem_take(up, &value)) {
        if (value >= args->below) {
            return weir_fail(self, WEIR_EPARSE, "%ld is too large", value);
        }
        if (!sem_give(self, value)) {
            return 0;
        }
    }
    return 0;
}

static void a_failing_stage_closes_what_it_reads(weir_scope *scope)
{
    sem_do_all(check(three(flaky(scope, (struct flaky){9, 0})), (struct limit){3000}));
    sem_do_all(three(check(flaky(scope, (struct flaky){9, FATAL}), (struct limit){2})));
    sem_do_all(check(flaky(scope, (struct flaky){1, FATAL}), (struct limit){2}));
}

struct pair {
    weir_gen *second;
};
WEIR_STAGE(alternate, struct pair)
{
    long value;
    weir_adopt(self, args->second);
    weir_gen *both[2] = {up, args->second};
    for (size_t i = 0; sem_take(both[i % 2], &value); i++) {
        if (!sem_give(self, value + (i % 2 == 0 ? 0 : 100))) {
            break;
        }
    }
    printf("alternate ends\n");
    return 0;
}

static void one_of_two_fails(weir_scope *scope)
{
    static const struct flaky good = {9, 0}, bad = {2, RETRY};
    sem_do_all(alternate(flaky(scope, bad), (struct pair){flaky(scope, good)}));
    sem_do_all(alternate(flaky(scope, good), (struct pair){flaky(scope, bad)}));
    weir_gen *forgiven = forgive(flaky(scope, bad), (struct forgive){RETRY});
    sem_do_all(alternate(flaky(scope, good), (struct pair){forgiven}));
}

static void a_throw_reaches_the_last_stage_only(weir_scope *scope)
{
    weir_gen *gen = three(flaky(scope, (struct flaky){9, 0}));
    sem_do_next(gen);
    sem_do_throw(gen, FATAL, "at the end of the chain");
    sem_do_next(gen);
    sem_do_finish(gen);
}

WEIR_STAGE(translate, struct none)
{
    (void)args;
    weir_error error;
    long value;
    while (sem_take(up, &value)) {
        if (!sem_give(self, value)) {
            return 0;
        }
    }
    if (weir_catch(up, WEIR_EPARSE, &error)) {
        return weir_fail(self, FATAL, "translated: %s", error.message);
    }
    return 0;
}

static void a_failure_is_translated(weir_scope *scope)
{
    sem_do_all(translate(flaky(scope, (struct flaky){2, WEIR_EPARSE}), NONE));
    sem_do_all(translate(flaky(scope, (struct flaky){2, RETRY}), NONE));
    weir_gen *gen = translate(flaky(scope, (struct flaky){1, WEIR_EPARSE}), NONE);
    sem_do_all(forgive(gen, (struct forgive){WEIR_EPARSE}));
    gen = translate(flaky(scope, (struct flaky){1, WEIR_EPARSE}), NONE);
    sem_do_all(forgive(gen, (struct forgive){FATAL}));
}

WEIR_SOURCE(leaky, struct none)
{
    (void)args;
    for (long i = 1; sem_give(self, i); i++) {}
    printf("leaky cleans up\n");
    return weir_fail(self, FATAL, "the clean-up failed");
}

WEIR_STAGE(two_of, struct none)
{
    (void)args;
    long value;
    for (int i = 0; i < 2 && sem_take(up, &value); i++) {
        if (!sem_give(self, value)) {
            break;
        }
    }
    printf("two_of ends\n");
    return 0;
}

static void a_failing_clean_up_upstream_is_told(weir_scope *scope)
{
    weir_gen *gen = two_of(leaky(scope, NONE), NONE);
    sem_do_all(gen);
    gen = two_of(leaky(scope, NONE), NONE);
    sem_do_next(gen);
    sem_do_finish(gen);
    gen = two_of(leaky(scope, NONE), NONE);
    sem_do_finish(gen);
}

/* A stage that delegates to a source of its own before it reads on. */
WEIR_STAGE(preface, struct place)
{
    const weir_item *result;
    weir_error error;
    long value;
    if (!weir_yield_from(self, flaky(args->scope, (struct flaky){1, SKIP}), &result) &&
        !weir_catch(self, SKIP, &error)) {
        printf("preface ends by %s\n", sem_name(error.code));
        return 0;
    }
    while (sem_take(up, &value) && sem_give(self, value + 50)) {}
    printf("preface ends\n");
    return 0;
}

static void a_stage_that_delegates_and_reads(weir_scope *scope)
{
    sem_do_all(preface(flaky(scope, (struct flaky){2, RETRY}), (struct place){scope}));
    for (int items = 1; items <= 2; items++) {
        weir_gen *gen = preface(flaky(scope, (struct flaky){2, RETRY}), (struct place){scope});
        sem_do_first(gen, items);
        sem_do_throw(gen, FATAL, "thrown");
        sem_do_finish(gen);
    }
}

const struct sem_program sem_contagion[] = {
    SEM_PROGRAM(a_failure_travels_through_three_stages),
    SEM_PROGRAM(a_forgiving_stage_in_the_middle),
    SEM_PROGRAM(a_second_source_when_the_first_breaks),
    SEM_PROGRAM(a_source_is_tried_again),
    SEM_PROGRAM(the_part_chunk_comes_before_the_failure),
    SEM_PROGRAM(a_failing_stage_closes_what_it_reads),
    SEM_PROGRAM(one_of_two_fails),
    SEM_PROGRAM(a_throw_reaches_the_last_stage_only),
    SEM_PROGRAM(a_failure_is_translated),
    SEM_PROGRAM(a_failing_clean_up_upstream_is_told),
    SEM_PROGRAM(a_stage_that_delegates_and_reads),
    SEM_END,
};
