/*
 * co_cross_main.c - the coroutine checks that need no test library, for a machine under emulation
 * (test/support/run_co_cross.sh). Prints one line a check; exit status 1 when one failed.
 */
#include "co_arch.h"
#include "co_stack.h"
#include "co_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { many_count = 2000 };

static struct wr_stack_pool *pool;
static struct wr_co home;
static struct wr_co body;
static int failed_count;

static void check(bool kept, const char *what)
{
    printf("%s %s\n", kept ? "ok    " : "FAILED", what);
    failed_count += !kept;
}

static void start(struct wr_co *co, wr_co_entry *entry, void *arg)
{
    struct wr_stack *stack = wr_stack_take(pool);

    if (stack == NULL) {
        puts("FAILED out of memory");
        exit(EXIT_FAILURE);
    }
    wr_co_init(co, stack, entry, arg, NULL);
}

static void drop(struct wr_co *co)
{
    wr_co_fini(co);
    wr_stack_give(co->stack);
}

static void echo(void *arg)
{
    uintptr_t value = (uintptr_t)arg;

    for (int i = 0; i < 3; i++) {
        value = wr_co_switch(&body, &home, value) + 1;
    }
    wr_co_leave(&body, &home, value);
}

static void values_pass_both_ways(void)
{
    bool kept = true;

    start(&body, echo, (void *)50);
    kept &= wr_co_resume(&home, &body, 0) == 50;
    kept &= wr_co_resume(&home, &body, 6) == 7;
    kept &= wr_co_switch(&home, &body, 8) == 9;
    kept &= wr_co_resume(&home, &body, UINTPTR_MAX) == 0;
    drop(&body);
    check(kept, "values_pass_both_ways");
}

#if defined(__aarch64__)
/* How many of x19 .. x29 and d8 .. d15 come back from a resume as they went. */
int registers_kept(struct wr_co *from, struct wr_co *to, uintptr_t value);
#define EACH(what)                                                                           \
    what(19, 8) what(20, 9) what(21, 10) what(22, 11) what(23, 12) what(24, 13) what(25, 14) \
        what(26, 15) what(27, 8) what(28, 9) what(29, 10)
#define SET(x, d)                 \
    "   mov x" #x ", #" #x "01\n" \
    "   mov x9, #" #d "02\n   fmov d" #d ", x9\n"
#define TEST(x, d)                                    \
    "   cmp x" #x ", #" #x "01\n   cinc w0, w0, eq\n" \
    "   fmov x9, d" #d "\n   cmp x9, #" #d "02\n   cinc w0, w0, eq\n"
__asm__(
    ".text\n"
    ".globl registers_kept\n"
    ".type registers_kept, %function\n"
    "registers_kept:\n"
    "   hint #34\n"
    "   sub sp, sp, #160\n"
    "   stp x19, x20, [sp]\n   stp x21, x22, [sp, #16]\n   stp x23, x24, [sp, #32]\n"
    "   stp x25, x26, [sp, #48]\n   stp x27, x28, [sp, #64]\n   stp d8, d9, [sp, #80]\n"
    "   stp d10, d11, [sp, #96]\n   stp d12, d13, [sp, #112]\n   stp d14, d15, [sp, #128]\n"
    "   stp x29, x30, [sp, #144]\n" EACH(SET) "   bl wr_co_resume\n   mov w0, #0\n" EACH(
        TEST) "   ldp x19, x20, [sp]\n   ldp x21, x22, [sp, #16]\n   ldp x23, x24, [sp, #32]\n"
              "   ldp x25, x26, [sp, #48]\n   ldp x27, x28, [sp, #64]\n   ldp d8, d9, [sp, #80]\n"
              "   ldp d10, d11, [sp, #96]\n   ldp d12, d13, [sp, #112]\n   ldp d14, d15, [sp, "
              "#128]\n"
              "   ldp x29, x30, [sp, #144]\n"
              "   add sp, sp, #160\n"
              "   ret\n"
              ".size registers_kept, . - registers_kept\n");

static void trash(void *arg)
{
    (void)arg;
    for (;;) {
        __asm__ volatile("mov x19, #0\n mov x20, #0\n mov x21, #0\n mov x22, #0\n mov x23, #0\n"
                         "mov x24, #0\n mov x25, #0\n mov x26, #0\n mov x27, #0\n mov x28, #0\n"
                         "fmov d8, xzr\n fmov d9, xzr\n fmov d10, xzr\n fmov d11, xzr\n"
                         "fmov d12, xzr\n fmov d13, xzr\n fmov d14, xzr\n fmov d15, xzr\n"
                         :
                         :
                         : "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28",
                           "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15");
        wr_co_switch(&body, &home, 0);
    }
}

static void callee_saved_registers_survive(void)
{
    bool kept = true;

    start(&body, trash, NULL);
    for (int i = 0; i < 3; i++) {
        kept &= registers_kept(&home, &body, 0) == 22;
    }
    drop(&body);
    check(kept, "callee_saved_registers_survive");
}
#endif

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
    wr_co_leave(&body, &home, descend((uintptr_t)arg) + (uintptr_t)(0.5 * 4.0));
}

static void a_deep_recursion_is_suspended_at_its_bottom(void)
{
    start(&body, dive, (void *)300);
    bool kept = wr_co_resume(&home, &body, 0) == 1;

    kept &= wr_co_resume(&home, &body, 1000) == 1302;
    drop(&body);
    check(kept, "a_deep_recursion_is_suspended_at_its_bottom");
}

struct counter {
    struct wr_co co;
    uintptr_t count;
};

static void count_for_ever(void *arg)
{
    struct counter *counter = arg;

    while (wr_co_switch(&counter->co, &home, counter->count) == 0) {
        counter->count++;
    }
    wr_stack_give(counter->co.stack);
    wr_co_leave(&counter->co, &home, counter->count);
}

static void thousands_of_coroutines_take_turns(void)
{
    static struct counter counters[many_count];
    bool kept = true;

    for (size_t i = 0; i < many_count; i++) {
        start(&counters[i].co, count_for_ever, &counters[i]);
    }
    for (uintptr_t turn = 0; turn < 4; turn++) {
        for (size_t i = 0; i < many_count; i++) {
            kept &= wr_co_resume(&home, &counters[i].co, 0) == turn;
        }
    }
    for (size_t i = 0; i < many_count; i++) {
        kept &= wr_co_resume(&home, &counters[i].co, 1) == 3;
        wr_co_fini(&counters[i].co);
    }
    check(kept, "thousands_of_coroutines_take_turns");
}

#ifndef WR_CO_UCONTEXT
struct record {
    const struct record *up;
    uintptr_t pc;
};

static const struct record *home_frame;

/* A return address may carry a signature above the 48 bits of an address. */
static bool is_near(uintptr_t pc, void (*function)(void))
{
    return (pc & 0xffffffffffffU) - (uintptr_t)function < 64;
}

static void walk(void *arg)
{
    const struct record *own = __builtin_frame_address(0);
    bool *kept = arg;

    kept[0] = is_near(own->pc, wr_co_trampoline);
    kept[1] = is_near(own->up->pc, (void (*)(void))wr_co_jump_resume);
    kept[2] = own->up->up->up == home_frame;
    kept[3] = (uintptr_t)own->up % 16 == 0;
    wr_co_leave(&body, &home, 0);
}

__attribute__((noinline)) static void a_frame_pointer_walk_goes_on_into_the_resumer(void)
{
    bool kept[4] = {false};

    home_frame = __builtin_frame_address(0);
    start(&body, walk, kept);
    wr_co_resume(&home, &body, 0);
    drop(&body);
    check(kept[0] && kept[1] && kept[2] && kept[3],
          "a_frame_pointer_walk_goes_on_into_the_resumer");
}
#endif

int main(void)
{
    pool = wr_stack_pool_new(262144);
    if (pool == NULL) {
        puts("FAILED out of memory");
        return EXIT_FAILURE;
    }
    wr_co_init_thread(&home);
    values_pass_both_ways();
#if defined(__aarch64__)
    callee_saved_registers_survive();
#endif
    a_deep_recursion_is_suspended_at_its_bottom();
    thousands_of_coroutines_take_turns();
#ifndef WR_CO_UCONTEXT
    a_frame_pointer_walk_goes_on_into_the_resumer();
#endif
    wr_co_fini(&home);
    wr_stack_pool_free(pool);
    return failed_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
