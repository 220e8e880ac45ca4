/*
 * test_co_stack.c - stacks are apart, guarded, reused, and given up to the system, whatever the
 * system refuses.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* mincore */
#endif
#include "base_fault.h"
#include "co_arch.h"
#include "co_stack.h"
#include "co_switch.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { stack_bytes = 65536, warm_count = 128 };

static struct wr_stack_pool *pool;
static struct wr_stack *stacks[512];
static struct wr_co home;
static struct wr_co body;

static void set_up(void)
{
    pool = wr_stack_pool_new(stack_bytes);
    ck_assert_ptr_nonnull(pool);
    wr_co_init_thread(&home);
}

static void tear_down(void)
{
    wr_fault_set(0, false);
    wr_co_fini(&home);
    wr_stack_pool_free(pool);
}

static void take(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stacks[i] = wr_stack_take(pool);
        ck_assert_ptr_nonnull(stacks[i]);
    }
}

static void give(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wr_stack_give(stacks[i]);
    }
}

static size_t mapped_bytes(void)
{
    struct wr_stack_stats stats;

    wr_stack_pool_stats(pool, &stats);
    return stats.mapped_bytes;
}

/* Pages of the stack that are in memory. */
static size_t resident_count(const struct wr_stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    size_t pages = ((size_t)(stack->top - stack->bottom) + page - 1) / page;
    unsigned char *there = calloc(pages, 1);

    ck_assert_int_eq(mincore(stack->bottom, pages * page, there), 0);
    for (size_t i = 0; i < pages; i++) {
        count += there[i] & 1;
    }
    free(there);
    return count;
}

/* The signal that ends a process which calls act(arg), 0: none. */
static int signal_of(void (*act)(void *), void *arg)
{
    int status = 0;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        act(arg);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(stacks_have_the_size_and_do_not_overlap)
{
    take(100);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_uint_ge((size_t)(stacks[i]->top - stacks[i]->bottom), stack_bytes);
        ck_assert_uint_eq((uintptr_t)stacks[i]->top % 16, 0);
        memset(stacks[i]->bottom, (int)i, (size_t)(stacks[i]->top - stacks[i]->bottom));
    }
    for (size_t i = 0; i < 100; i++) {
        ck_assert_int_eq(stacks[i]->bottom[0], (char)i);
        ck_assert_int_eq(stacks[i]->top[-1], (char)i);
    }
    give(100);
}
END_TEST

START_TEST(a_tiny_size_is_raised_to_the_minimum)
{
    struct wr_stack_pool *tiny = wr_stack_pool_new(1);
    struct wr_stack *stack = wr_stack_take(tiny);

    ck_assert_uint_ge((size_t)(stack->top - stack->bottom), 16384 + 2048);
    wr_stack_give(stack);
    wr_stack_pool_free(tiny);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
    ck_assert_ptr_null(wr_stack_pool_new(SIZE_MAX));
    ck_assert_ptr_null(wr_stack_map(pool, SIZE_MAX));
    ck_assert_ptr_null(wr_stack_map(pool, (size_t)PTRDIFF_MAX / 4));
}
END_TEST

START_TEST(the_last_given_is_the_first_taken)
{
    take(3);
    give(3);

    ck_assert_ptr_eq(wr_stack_take(pool), stacks[2]);
    ck_assert_ptr_eq(wr_stack_take(pool), stacks[1]);
    ck_assert_ptr_eq(wr_stack_take(pool), stacks[0]);
    give(3);
}
END_TEST

START_TEST(neighbouring_tops_have_different_colours)
{
    take(32);
    for (size_t i = 1; i < 32; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_uint_ne((uintptr_t)stacks[i]->top % 4096, (uintptr_t)stacks[j]->top % 4096);
        }
    }
    give(32);
}
END_TEST

START_TEST(the_first_stack_maps_little)
{
    ck_assert_uint_eq(mapped_bytes(), 0);

    take(1);

    ck_assert_uint_le(mapped_bytes(), (size_t)4 * (stack_bytes + 65536));
    give(1);
}
END_TEST

START_TEST(stats_count_what_is_used_and_what_is_kept)
{
    struct wr_stack_stats stats;

    take(300);
    give(100);
    wr_stack_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.in_use, 200);
    ck_assert_uint_eq(stats.pooled, 100);
    ck_assert_uint_ge(stats.mapped_bytes, (size_t)300 * stack_bytes);

    for (size_t i = 100; i < 300; i++) {
        wr_stack_give(stacks[i]);
    }
    wr_stack_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_uint_eq(stats.pooled, 300);
}
END_TEST

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

START_TEST(the_guard_faults)
{
    take(2);

    ck_assert(stacks[0]->guarded);
    ck_assert_int_eq(signal_of(write_byte, stacks[0]->bottom), 0);
    ck_assert_int_eq(signal_of(write_byte, stacks[0]->bottom - 1), SIGSEGV);
    ck_assert_int_eq(signal_of(write_byte, stacks[1]->bottom - 16384), SIGSEGV);
    give(2);
}
END_TEST

static void note_and_exit(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    _exit(wr_stack_guarded_at(stacks[0], info->si_addr) ? 42 : 43);
}

static volatile bool bottomless = true;

__attribute__((noinline)) static size_t descend_for_ever(volatile char *above)
{
    volatile char room[512];

    if (!bottomless) {
        return 0;
    }
    room[0] = (char)(above[0] + 1);
    return descend_for_ever(room) + (size_t)room[0];
}

static void overflow(void *arg)
{
    wr_co_leave(&body, &home, descend_for_ever(arg));
}

START_TEST(an_overflow_is_told_by_a_signal_handler)
{
    static char handler_stack[65536];
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_sigaction = note_and_exit, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    char seed = 0;
    int status = 0;

    take(1);
    pid_t child = fork();
    if (child == 0) {
        sigaltstack(&stack, NULL);
        sigaction(SIGSEGV, &action, NULL);
        wr_co_init(&body, stacks[0], overflow, &seed, NULL);
        wr_co_resume(&home, &body, 0);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    give(1);
}
END_TEST

START_TEST(guards_are_told_from_stacks)
{
    take(5);
    struct wr_stack *alone = wr_stack_map(pool, 4 * stack_bytes);

    ck_assert(wr_stack_guarded_at(stacks[4], stacks[4]->bottom - 1));
    ck_assert(!wr_stack_guarded_at(stacks[4], stacks[4]->bottom));
    ck_assert(!wr_stack_guarded_at(stacks[4], stacks[4]->top - 1));
    ck_assert(!wr_stack_guarded_at(stacks[4], stacks[3]->bottom - 1));
    ck_assert(wr_stack_guarded_at(alone, alone->bottom - 1));
    ck_assert(!wr_stack_guarded_at(alone, alone->bottom));
    ck_assert(!wr_stack_guarded_at(alone, alone));
    ck_assert(!wr_stack_guarded_at(alone, NULL));
    wr_stack_give(alone);
    give(5);
}
END_TEST

START_TEST(a_refused_guard_is_replaced_by_protection)
{
    /* A new slab: alloc, mmap, no huge pages, and then the guard. */
    wr_fault_set(4, false);
    take(1);

    ck_assert_str_eq(wr_fault_name(), "madvise");
    ck_assert(stacks[0]->guarded);
    ck_assert(stacks[0]->protected);
    ck_assert_int_eq(signal_of(write_byte, stacks[0]->bottom - 1), SIGSEGV);
    give(1);
}
END_TEST

/* From the guard on, everything is refused. */
static void take_unguarded(void)
{
    wr_fault_set(4, true);
    take(1);
    ck_assert(!stacks[0]->guarded);
    wr_fault_set(0, false);
}

static void give_stack(void *stack)
{
    wr_stack_give(stack);
}

START_TEST(an_unguarded_stack_that_kept_its_bounds_is_given_back)
{
    take_unguarded();
    memset(stacks[0]->bottom, 0xff, stack_bytes);

    ck_assert_int_eq(signal_of(give_stack, stacks[0]), 0);
    ck_assert(!wr_stack_guarded_at(stacks[0], stacks[0]->bottom - 1));
    give(1);
}
END_TEST

START_TEST(an_unguarded_stack_that_overflowed_aborts)
{
    take_unguarded();
    char *below = stacks[0]->bottom - 100;
    *below = 1;

    ck_assert_int_eq(signal_of(give_stack, stacks[0]), SIGABRT);
    *below = 0;
    give(1);
}
END_TEST

START_TEST(without_memory_there_is_no_stack_and_no_harm)
{
    wr_fault_set(1, true);
    ck_assert_ptr_null(wr_stack_pool_new(stack_bytes));
    ck_assert_ptr_null(wr_stack_take(pool));
    ck_assert_ptr_null(wr_stack_map(pool, stack_bytes));
    wr_fault_set(2, true); /* the mapping itself */
    ck_assert_ptr_null(wr_stack_take(pool));
    wr_fault_set(2, true);
    ck_assert_ptr_null(wr_stack_map(pool, stack_bytes));
    ck_assert_uint_eq(mapped_bytes(), 0);

    wr_fault_set(0, false);
    take(1);
    give(1);
}
END_TEST

START_TEST(where_a_slab_does_not_fit_one_stack_may)
{
    wr_fault_set(2, false);
    take(1);

    ck_assert_str_eq(wr_fault_name(), "mmap");
    ck_assert_uint_le(mapped_bytes(), stack_bytes + 65536);
    give(1);
}
END_TEST

START_TEST(any_single_refusal_leaves_a_working_pool)
{
    uint64_t fired = 1;

    for (uint64_t k = 1; fired > 0; k++) {
        struct wr_stack_pool *own = NULL;
        struct wr_stack *stack = NULL, *alone = NULL;

        wr_fault_set(k, false);
        own = wr_stack_pool_new(stack_bytes);
        if (own != NULL) {
            stack = wr_stack_take(own);
            alone = wr_stack_map(own, stack_bytes);
            if (stack != NULL) {
                memset(stack->bottom, 1, stack_bytes);
                wr_stack_give(stack);
            }
            if (alone != NULL) {
                wr_stack_give(alone);
            }
        }
        wr_stack_pool_free(own);
        fired = wr_fault_fired();
        ck_assert_uint_lt(k, 100);
    }
}
END_TEST

START_TEST(stacks_above_the_mark_lose_their_pages)
{
    take(warm_count + 10);
    for (size_t i = 0; i < warm_count + 10; i++) {
        memset(stacks[i]->bottom, 1, stack_bytes);
    }
    give(warm_count + 10);

    ck_assert_uint_ge(resident_count(stacks[0]), stack_bytes / 4096);
    ck_assert_uint_ge(resident_count(stacks[warm_count - 1]), stack_bytes / 4096);
    for (size_t i = warm_count; i < warm_count + 9; i++) {
        ck_assert_uint_eq(resident_count(stacks[i]), 0);
    }
}
END_TEST

START_TEST(the_stack_given_last_is_untouched_until_the_next_call)
{
    take(warm_count + 2);
    struct wr_stack *last = stacks[warm_count];
    memset(last->bottom, 7, stack_bytes);
    give(warm_count + 1);

    for (size_t i = 0; i < stack_bytes; i++) {
        ck_assert(last->bottom[i] == 7);
    }
    wr_stack_give(stacks[warm_count + 1]);
    ck_assert_uint_eq(resident_count(last), 0);
}
END_TEST

static void yield_once(void *arg)
{
    (void)arg;
    wr_co_switch(&body, &home, 0);
    wr_co_leave(&body, &home, 0);
}

START_TEST(an_idle_coroutine_touches_few_pages)
{
    take(32);
    for (size_t i = 0; i < 32; i++) {
        wr_co_init(&body, stacks[i], yield_once, NULL, NULL);
        wr_co_resume(&home, &body, 0);
        ck_assert_uint_le(resident_count(stacks[i]), 2);
        wr_co_resume(&home, &body, 0);
        wr_co_fini(&body);
    }
    give(32);
}
END_TEST

static void give_and_leave(void *arg)
{
    wr_stack_give(arg);
    wr_co_leave(&body, &home, 0);
}

START_TEST(a_stack_of_its_own_is_unmapped_after_it_was_left)
{
    struct wr_stack *alone = wr_stack_map(pool, 1000000);

    ck_assert_uint_ge((size_t)(alone->top - alone->bottom), 1000000);
    wr_co_init(&body, alone, give_and_leave, alone, NULL);
    wr_co_resume(&home, &body, 0);
    wr_co_fini(&body);
    ck_assert_uint_ge(mapped_bytes(), 1000000);

    take(1);

    ck_assert_uint_lt(mapped_bytes(), 1000000);
    give(1);
}
END_TEST

START_TEST(stacks_of_their_own_end_in_any_order)
{
    for (size_t i = 0; i < 5; i++) {
        stacks[i] = wr_stack_map(pool, stack_bytes * (i + 1));
        ck_assert_ptr_nonnull(stacks[i]);
    }
    const size_t order[] = {2, 0, 4, 1, 3};
    for (size_t i = 0; i < 5; i++) {
        wr_stack_give(stacks[order[i]]);
    }

    take(1);
    give(1);

    ck_assert_uint_le(mapped_bytes(), (size_t)4 * (stack_bytes + 65536));
}
END_TEST

static void free_pool(void *arg)
{
    wr_stack_pool_free(arg);
}

START_TEST(freeing_a_pool_with_a_stack_in_use_aborts)
{
    take(1);

    ck_assert_int_eq(signal_of(free_pool, pool), SIGABRT);

    give(1);
    wr_stack_pool_free(NULL);
}
END_TEST

static void add_guard_tests(TCase *cases)
{
    tcase_add_test(cases, the_guard_faults);
    tcase_add_test(cases, an_overflow_is_told_by_a_signal_handler);
    tcase_add_test(cases, guards_are_told_from_stacks);
    tcase_add_test(cases, a_refused_guard_is_replaced_by_protection);
    tcase_add_test(cases, an_unguarded_stack_that_kept_its_bounds_is_given_back);
    tcase_add_test(cases, an_unguarded_stack_that_overflowed_aborts);
    tcase_add_test(cases, without_memory_there_is_no_stack_and_no_harm);
    tcase_add_test(cases, where_a_slab_does_not_fit_one_stack_may);
    tcase_add_test(cases, any_single_refusal_leaves_a_working_pool);
    tcase_add_test(cases, freeing_a_pool_with_a_stack_in_use_aborts);
}

int main(void)
{
    Suite *suite = suite_create("co_stack");
    TCase *cases = tcase_create("co_stack");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, stacks_have_the_size_and_do_not_overlap);
    tcase_add_test(cases, a_tiny_size_is_raised_to_the_minimum);
    tcase_add_test(cases, absurd_sizes_are_refused);
    tcase_add_test(cases, the_last_given_is_the_first_taken);
    tcase_add_test(cases, neighbouring_tops_have_different_colours);
    tcase_add_test(cases, the_first_stack_maps_little);
    tcase_add_test(cases, stats_count_what_is_used_and_what_is_kept);
    add_guard_tests(cases);
    tcase_add_test(cases, stacks_above_the_mark_lose_their_pages);
    tcase_add_test(cases, the_stack_given_last_is_untouched_until_the_next_call);
    tcase_add_test(cases, an_idle_coroutine_touches_few_pages);
    tcase_add_test(cases, a_stack_of_its_own_is_unmapped_after_it_was_left);
    tcase_add_test(cases, stacks_of_their_own_end_in_any_order);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
