/*
 * support_co.h - what tests of coroutines have in common: a pool of stacks, `home`, the stack that
 * the test itself runs on, and one coroutine. Bodies end by leaving for home.
 */
#ifndef WR_SUPPORT_CO_H
#define WR_SUPPORT_CO_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "co_arch.h"
#include "co_stack.h"
#include "co_switch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static struct wr_stack_pool *pool;
static struct wr_co home;
static struct wr_co body;
static uintptr_t seen[8];

static inline void set_up(void)
{
    pool = wr_stack_pool_new(262144);
    ck_assert_ptr_nonnull(pool);
    wr_co_init_thread(&home);
    memset(seen, 0, sizeof seen);
}

static inline void tear_down(void)
{
    wr_co_fini(&home);
    wr_stack_pool_free(pool);
}

static inline void start(struct wr_co *co, wr_co_entry *entry, void *arg)
{
    struct wr_stack *stack = wr_stack_take(pool);

    ck_assert_ptr_nonnull(stack);
    wr_co_init(co, stack, entry, arg, NULL);
}

static inline void drop(struct wr_co *co)
{
    wr_co_fini(co);
    wr_stack_give(co->stack);
}

/* Run `cases`, each between set_up and tear_down. The status for main to return. */
static inline int run_cases(const char *name, TCase *cases)
{
    Suite *suite = suite_create(name);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
