/*
 * test_loop_race.c - staggered tries: who begins when, who wins, and what becomes of the others.
 */
#include <stdio.h>
#include <string.h>

#include "loop_race.h"
#include "loop_scope.h"
#include "support_loop.h"

enum { NEVER = -1, MAX = 4 };

/* What a try does: after so long it succeeds, or fails with a code. */
struct script {
    int64_t after_ms;
    int code;
};

struct tries {
    weir_loop *loop;
    const struct script *scripts;
    int64_t began_ns;
    char trace[200]; /* "0@0 1@250 0! 1=": who began when, who was given up, who had got it */
    int dropped;
};

static void tell(struct tries *tries, size_t index, const char *what)
{
    size_t len = strlen(tries->trace);
    snprintf(tries->trace + len, sizeof tries->trace - len, "%s%zu%s", len > 0 ? " " : "", index,
             what);
}

static int try_one(void *ctx, size_t index, void **got)
{
    struct tries *tries = ctx;
    const struct script *script = &tries->scripts[index];
    char at[32];
    snprintf(at, sizeof at, "@%lld",
             (long long)(wr_now_ns(tries->loop) - tries->began_ns) / 1000000);
    tell(tries, index, at);
    int64_t ms = script->after_ms == NEVER ? 3600 * 1000 : script->after_ms;
    int rc = ms > 0 ? wr_sleep(tries->loop, ms, "a test", NULL) : 0;
    if (rc < 0) {
        tell(tries, index, "!");
        return rc;
    }
    *got = (void *)(uintptr_t)(index + 1);
    return script->code;
}

static struct tries *dropping;

static void drop_one(void *got)
{
    (void)got;
    dropping->dropped++;
}

static struct tries tries;

/* Race; who has won (from 0 on), or the code. */
static int race(weir_loop *loop, const struct script *scripts, size_t count)
{
    tries = (struct tries){.loop = loop, .scripts = scripts, .began_ns = wr_now_ns(loop)};
    dropping = &tries;
    struct wr_race it = {.loop = loop,
                         .count = count,
                         .delay_ms = 250,
                         .try = try_one,
                         .drop = drop_one,
                         .ctx = &tries};
    void *got;
    int rc = wr_race(&it, "a test", NULL, &got);
    ck_assert((rc == 0) == (got != NULL));
    return rc < 0 ? rc : (int)(uintptr_t)got - 1;
}

static void gives(const struct script *scripts, size_t count, int winner, int64_t ms,
                  const char *expected)
{
    weir_loop *loop = start();
    int won = race(loop, scripts, count);
    ck_assert_msg(won == winner, "%d has won: %s", won, tries.trace);
    ck_assert_str_eq(tries.trace, expected);
    ck_assert_int_eq((wr_now_ns(loop) - tries.began_ns) / 1000000, ms);
    weir_loop_free(loop);
}

TEST(who_succeeds_soon_is_the_only_one_that_begins)
{
    gives((struct script[]){{249, 0}, {0, 0}}, 2, 0, 249, "0@0");
}

TEST(beside_a_silent_one_the_next_begins_after_the_delay)
{
    gives((struct script[]){{NEVER, 0}, {40, 0}, {0, 0}}, 3, 1, 290, "0@0 1@250 0!");
}

TEST(each_gets_its_delay)
{
    gives((struct script[]){{NEVER, 0}, {NEVER, 0}, {NEVER, 0}, {10, 0}}, 4, 3, 760,
          "0@0 1@250 2@500 3@750 0! 1! 2!");
}

TEST(after_a_failure_the_next_begins_at_once)
{
    gives((struct script[]){{10, WEIR_ECONNECT}, {0, WEIR_ECONNECT}, {5, 0}}, 3, 2, 15,
          "0@0 1@10 2@10");
}

TEST(a_failure_beside_a_silent_one_begins_the_next_at_once)
{
    gives((struct script[]){{NEVER, 0}, {20, WEIR_ECONNECT}, {5, 0}}, 3, 2, 275,
          "0@0 1@250 2@270 0!");
}

TEST(a_late_one_may_still_win)
{
    gives((struct script[]){{300, 0}, {100, 0}}, 2, 0, 300, "0@0 1@250 1!");
}

TEST(the_last_failure_is_told_when_all_have_failed)
{
    gives((struct script[]){{300, WEIR_ECONNECT}, {10, WEIR_EIO}}, 2, WEIR_ECONNECT, 300,
          "0@0 1@250");
}

TEST(no_more_begin_when_the_time_is_up)
{
    gives((struct script[]){{100, WEIR_ETIMEDOUT}, {0, 0}}, 2, WEIR_ETIMEDOUT, 100, "0@0");
}

TEST(of_two_that_succeed_at_once_one_is_dropped)
{
    weir_loop *loop = start();
    const struct script scripts[] = {{300, 0}, {50, 0}};
    ck_assert_int_ge(race(loop, scripts, 2), 0);
    ck_assert_int_eq(tries.dropped, 1);
    weir_loop_free(loop);
}

static int racing_task(weir_scope *scope, void *args)
{
    static const struct script scripts[] = {{NEVER, 0}, {NEVER, 0}};
    (void)args;
    int rc = race(scope->loop, scripts, 2);
    ck_assert_int_eq(rc, WEIR_ECANCELED);
    return rc;
}

TEST(a_cancel_gives_all_of_them_up)
{
    weir_loop *loop = start();
    weir_scope *scope = weir_scope_new(weir_root(loop), NULL);
    weir_spawn(scope, "racing", racing_task, NULL, 0);
    ck_assert(weir_sleep(weir_root(loop), 400));
    weir_scope_cancel(scope);
    ck_assert_int_eq(wait_for(scope), 0);
    ck_assert_ptr_nonnull(strstr(tries.trace, "0!"));
    ck_assert_ptr_nonnull(strstr(tries.trace, "1!"));
    weir_loop_free(loop);
}

MAIN("loop/race")
