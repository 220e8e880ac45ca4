/*
 * test_co_switch.c - coroutines keep registers, values and stacks apart.
 * Labels: thread
 */
#include "support_co.h"

#include <pthread.h>
#include <stdalign.h>

#ifdef SANITIZED
enum { many_count = 200, lives_count = 2500 };
#else
enum { many_count = 10000, lives_count = 100000 };
#endif

static void note_and_leave(void *arg)
{
    *(uintptr_t *)arg += 1;
    wr_co_leave(&body, &home, 7);
}

START_TEST(entry_waits_for_the_first_switch)
{
    start(&body, note_and_leave, &seen[0]);
    ck_assert_uint_eq(seen[0], 0);

    ck_assert_uint_eq(wr_co_resume(&home, &body, 0), 7);

    ck_assert_uint_eq(seen[0], 1);
    drop(&body);
}
END_TEST

START_TEST(dropping_a_coroutine_that_never_ran_is_fine)
{
    start(&body, note_and_leave, &seen[0]);

    drop(&body);

    ck_assert_uint_eq(seen[0], 0);
}
END_TEST

static void echo(void *arg)
{
    uintptr_t value = 100;

    (void)arg;
    for (int i = 0; i < 4; i++) {
        value = wr_co_switch(&body, &home, value) + 1;
    }
    wr_co_leave(&body, &home, UINTPTR_MAX);
}

START_TEST(values_pass_both_ways)
{
    start(&body, echo, NULL);

    ck_assert_uint_eq(wr_co_resume(&home, &body, 5), 100);
    ck_assert_uint_eq(wr_co_resume(&home, &body, 6), 7);
    ck_assert_uint_eq(wr_co_switch(&home, &body, 8), 9);
    ck_assert_uint_eq(wr_co_resume(&home, &body, UINTPTR_MAX - 1), UINTPTR_MAX);
    ck_assert_uint_eq(wr_co_resume(&home, &body, 0), UINTPTR_MAX);
    drop(&body);
}
END_TEST

static void echo_bool(void *arg)
{
    bool value = true;

    (void)arg;
    for (int i = 0; i < 2; i++) {
        value = !wr_co_switch_bool(&body, &home, value);
    }
    wr_co_leave(&body, &home, value);
}

START_TEST(truth_passes_under_the_bool_names)
{
    start(&body, echo_bool, NULL);

    ck_assert(wr_co_resume_bool(&home, &body, 0));
    ck_assert(!wr_co_resume_bool(&home, &body, true));
    ck_assert(wr_co_resume_bool(&home, &body, false));
    drop(&body);
}
END_TEST

/* Leaves with every register that a callee must keep overwritten. */
static void trash(void *arg)
{
    (void)arg;
    for (;;) {
#if defined(__x86_64__)
        __asm__ volatile("xorl %%ebx, %%ebx\n xorl %%r12d, %%r12d\n xorl %%r13d, %%r13d\n"
                         "xorl %%r14d, %%r14d\n xorl %%r15d, %%r15d\n"
                         :
                         :
                         : "rbx", "r12", "r13", "r14", "r15");
#endif
        wr_co_switch(&body, &home, 0);
    }
}

#if defined(__x86_64__)
/* How many of rbx, rbp, r12 .. r15 come back from a resume as they went. */
int registers_kept(struct wr_co *from, struct wr_co *to, uintptr_t value);
__asm__(".text\n"
        ".globl registers_kept\n"
        ".hidden registers_kept\n"
        ".type registers_kept, @function\n"
        "registers_kept:\n"
        "   push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n sub $8, %rsp\n"
        "   mov $0x1111, %ebx\n mov $0x2222, %ebp\n mov $0x3333, %r12d\n"
        "   mov $0x4444, %r13d\n mov $0x5555, %r14d\n mov $0x6666, %r15d\n"
        "   call wr_co_resume\n"
        "   xor %eax, %eax\n xor %ecx, %ecx\n"
        "   cmp $0x1111, %rbx\n sete %cl\n add %ecx, %eax\n"
        "   cmp $0x2222, %rbp\n sete %cl\n add %ecx, %eax\n"
        "   cmp $0x3333, %r12\n sete %cl\n add %ecx, %eax\n"
        "   cmp $0x4444, %r13\n sete %cl\n add %ecx, %eax\n"
        "   cmp $0x5555, %r14\n sete %cl\n add %ecx, %eax\n"
        "   cmp $0x6666, %r15\n sete %cl\n add %ecx, %eax\n"
        "   add $8, %rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "   ret\n"
        ".size registers_kept, . - registers_kept\n");

START_TEST(callee_saved_registers_survive)
{
    start(&body, trash, NULL);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(registers_kept(&home, &body, 0), 6);
    }
    drop(&body);
}
END_TEST
#endif

/* More live values than there are registers to keep them in. */
__attribute__((noinline)) static uint64_t pressure(uint64_t seed, struct wr_co *to)
{
    uint64_t a = seed * 3, b = seed * 5, c = seed * 7, d = seed * 11, e = seed * 13, f = seed * 17;
    uint64_t g = seed * 19, h = seed * 23, i = seed * 29, j = seed * 31;

    if (to != NULL) {
        wr_co_resume(&home, to, 0);
    }
    return a ^ b << 1 ^ c << 2 ^ d << 3 ^ e << 4 ^ f << 5 ^ g << 6 ^ h << 7 ^ i << 8 ^ j << 9;
}

START_TEST(many_live_values_survive)
{
    start(&body, trash, NULL);

    for (uint64_t seed = 1; seed < 100; seed++) {
        ck_assert_uint_eq(pressure(seed, &body), pressure(seed, NULL));
    }
    drop(&body);
}
END_TEST

static void harmonic(void *arg)
{
    double *sum = arg;

    for (int i = 1;; i++) {
        *sum += 1.0 / i;
        wr_co_switch(&body, &home, 0);
    }
}

START_TEST(floating_point_values_survive)
{
    double theirs = 0, mine = 0, expected = 0;

    start(&body, harmonic, &theirs);
    for (int i = 1; i <= 100; i++) {
        expected += 1.0 / i;
        mine += 1.0 / i;
        wr_co_resume(&home, &body, 0);
    }

    ck_assert_double_eq(theirs, expected);
    ck_assert_double_eq(mine, expected);
    drop(&body);
}
END_TEST

__attribute__((noinline)) static uintptr_t descend(uintptr_t depth)
{
    volatile char room[256];

    room[0] = (char)depth;
    if (depth == 0) {
        return wr_co_switch(&body, &home, 1);
    }
    uintptr_t sum = descend(depth - 1) + 1;
    return sum + (uintptr_t)(room[0] != (char)depth);
}

static void dive(void *arg)
{
    wr_co_leave(&body, &home, descend(*(const uintptr_t *)arg));
}

START_TEST(a_deep_recursion_is_suspended_at_its_bottom)
{
    uintptr_t depth = 300;

    start(&body, dive, &depth);

    ck_assert_uint_eq(wr_co_resume(&home, &body, 0), 1);
    ck_assert_uint_eq(wr_co_resume(&home, &body, 1000), 1300);
    drop(&body);
}
END_TEST

struct counter {
    struct wr_co co;
    uintptr_t count;
};

static void count_forever(void *arg)
{
    struct counter *counter = arg;

    while (wr_co_switch(&counter->co, &home, counter->count) == 0) {
        counter->count++;
    }
    wr_co_leave(&counter->co, &home, counter->count);
}

START_TEST(thousands_of_coroutines_take_turns)
{
    struct counter *counters = calloc(many_count, sizeof *counters);

    for (size_t i = 0; i < many_count; i++) {
        counters[i].count = i;
        start(&counters[i].co, count_forever, &counters[i]);
    }
    for (uintptr_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < many_count; i++) {
            ck_assert_uint_eq(wr_co_resume(&home, &counters[i].co, 0), i + round);
        }
    }
    for (size_t i = 0; i < many_count; i++) {
        ck_assert_uint_eq(wr_co_resume(&home, &counters[i].co, 1), i + 3);
        drop(&counters[i].co);
    }
    free(counters);
}
END_TEST

static void give_and_leave(void *arg)
{
    (void)arg;
    wr_stack_give(body.stack);
    wr_co_leave(&body, &home, (uintptr_t)body.stack);
}

START_TEST(a_stack_given_back_from_itself_serves_the_next)
{
    struct wr_stack *first = NULL;

    for (int i = 0; i < lives_count; i++) {
        start(&body, give_and_leave, NULL);
        first = first == NULL ? body.stack : first;
        ck_assert_ptr_eq(body.stack, first);
        ck_assert_uint_eq(wr_co_resume(&home, &body, 0), (uintptr_t)first);
        wr_co_fini(&body);
    }
}
END_TEST

static void dirty_and_leave(void *arg)
{
    volatile char room[4096];

    (void)arg;
    for (size_t i = 0; i < sizeof room; i++) {
        room[i] = (char)i;
    }
    descend(0);
    wr_co_leave(&body, &home, (uintptr_t)room[1]);
}

START_TEST(a_stack_left_in_the_middle_of_calls_is_as_new)
{
    for (int i = 0; i < 8; i++) {
        start(&body, dirty_and_leave, NULL);
        wr_co_resume(&home, &body, 0);
        ck_assert_uint_eq(wr_co_resume(&home, &body, 0), 1);
        drop(&body);
    }
}
END_TEST

static void look_at_alignment(void *arg)
{
    alignas(16) volatile char room[16] = {0};
    struct wr_co *own = arg;

#if defined(__x86_64__)
    __asm__ volatile("movaps %%xmm0, %0" : "=m"(room));
#endif
    seen[0] = (uintptr_t)room % 16;
    seen[1] = (uintptr_t)__builtin_frame_address(0) % 16;
    wr_co_leave(own, &home, 0);
}

START_TEST(an_entry_finds_its_stack_aligned)
{
    struct wr_co many[40]; /* of every colour */

    for (size_t i = 0; i < 40; i++) {
        start(&many[i], look_at_alignment, &many[i]);
        wr_co_resume(&home, &many[i], 0);
        ck_assert_uint_eq(seen[0], 0);
        ck_assert_uint_eq(seen[1], 0);
    }
    for (size_t i = 0; i < 40; i++) {
        drop(&many[i]);
    }
}
END_TEST

static struct wr_co leaf;

static void park_at_home(void *arg)
{
    (void)arg;
    seen[0] = wr_co_switch(&leaf, &home, 1);
    wr_co_leave(&leaf, &body, 3);
}

static void resume_leaf(void *arg)
{
    (void)arg;
    wr_co_leave(&body, &home, wr_co_resume(&body, &leaf, 0));
}

START_TEST(a_leaf_parks_to_the_scheduler_and_is_resumed_there)
{
    start(&body, resume_leaf, NULL);
    start(&leaf, park_at_home, NULL);

    ck_assert_uint_eq(wr_co_resume(&home, &body, 0), 1);
    ck_assert_uint_eq(wr_co_switch(&home, &leaf, 2), 3);

    ck_assert_uint_eq(seen[0], 2);
    drop(&leaf);
    drop(&body);
}
END_TEST

static void first_of_a_chain(void *arg)
{
    (void)arg;
    wr_co_leave(&body, &leaf, 41);
}

static void last_of_a_chain(void *arg)
{
    uintptr_t value = wr_co_resume(&leaf, &body, 0);

    (void)arg;
    wr_co_leave(&leaf, &home, value + 1);
}

START_TEST(a_coroutine_leaves_for_another_coroutine)
{
    start(&body, first_of_a_chain, NULL);
    start(&leaf, last_of_a_chain, NULL);

    ck_assert_uint_eq(wr_co_resume(&home, &leaf, 0), 42);
    drop(&leaf);
    drop(&body);
}
END_TEST

static void swing(void *arg)
{
    struct wr_co *co = arg; /* followed by the thread's own */

    for (uintptr_t i = 0; i < 100; i++) {
        wr_co_switch(&co[0], &co[1], i);
    }
    wr_co_leave(&co[0], &co[1], 100);
}

static void *run_thread(void *arg)
{
    struct wr_stack_pool *own = wr_stack_pool_new(65536);
    struct wr_co co[2];
    uintptr_t value = 0;

    wr_co_init_thread(&co[1]);
    for (int life = 0; life < 20; life++) {
        wr_co_init(&co[0], wr_stack_take(own), swing, co, NULL);
        for (uintptr_t i = 0; i <= 100; i++) {
            value += wr_co_resume(&co[1], &co[0], 0) == i;
        }
        drop(&co[0]);
    }
    wr_co_fini(&co[1]);
    wr_stack_pool_free(own);
    *(uintptr_t *)arg = value;
    return NULL;
}

START_TEST(threads_switch_independently)
{
    pthread_t threads[3];
    uintptr_t values[3] = {0};

    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_thread, &values[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(values[i], 20 * 101);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("co_switch");
    tcase_add_test(cases, entry_waits_for_the_first_switch);
    tcase_add_test(cases, dropping_a_coroutine_that_never_ran_is_fine);
    tcase_add_test(cases, values_pass_both_ways);
    tcase_add_test(cases, truth_passes_under_the_bool_names);
#if defined(__x86_64__)
    tcase_add_test(cases, callee_saved_registers_survive);
#endif
    tcase_add_test(cases, many_live_values_survive);
    tcase_add_test(cases, floating_point_values_survive);
    tcase_add_test(cases, a_deep_recursion_is_suspended_at_its_bottom);
    tcase_add_test(cases, thousands_of_coroutines_take_turns);
    tcase_add_test(cases, a_stack_given_back_from_itself_serves_the_next);
    tcase_add_test(cases, a_stack_left_in_the_middle_of_calls_is_as_new);
    tcase_add_test(cases, an_entry_finds_its_stack_aligned);
    tcase_add_test(cases, a_leaf_parks_to_the_scheduler_and_is_resumed_there);
    tcase_add_test(cases, a_coroutine_leaves_for_another_coroutine);
    tcase_add_test(cases, threads_switch_independently);
    return run_cases("co_switch", cases);
}
