/*
 * test_co_frames.c - unwinders find their way: frame pointers lead from a body into its resumers,
 * unwind tables end at the trampoline.
 */
#include "support_co.h"

#include <execinfo.h>

#if (defined(WR_CO_X86_64) || defined(WR_CO_AARCH64)) && !defined(SANITIZED)
/* A frame record: the caller's record, and the return address. */
struct record {
    const struct record *up;
    uintptr_t pc;
};

static struct wr_co leaf;
static const struct record *home_frame;
static const struct record *middle_frame;

static bool is_inside(uintptr_t pc, uintptr_t function)
{
    return pc > function && pc < function + 512;
}

static void walk(void *arg)
{
    const struct record *own = __builtin_frame_address(0);
    const struct record *entry = own->up;

    (void)arg;
    seen[0] = is_inside(own->pc, (uintptr_t)wr_co_trampoline);
    seen[1] = is_inside(entry->pc, (uintptr_t)wr_co_jump_resume);
    seen[2] = entry->up->up == middle_frame;
    seen[3] = middle_frame->up->up->up == home_frame;
    wr_co_leave(&leaf, &body, 0);
}

static void resume_walker(void *arg)
{
    (void)arg;
    middle_frame = __builtin_frame_address(0);
    wr_co_leave(&body, &home, wr_co_resume(&body, &leaf, 0));
}

__attribute__((noinline)) static void resume_middle(void)
{
    home_frame = __builtin_frame_address(0);
    wr_co_resume(&home, &body, 0);
    seen[4] = 1;
}

START_TEST(a_frame_pointer_walk_goes_on_into_the_resumers)
{
    start(&body, resume_walker, NULL);
    start(&leaf, walk, NULL);

    resume_middle();

    for (size_t i = 0; i < 5; i++) {
        ck_assert_msg(seen[i] == 1, "step %zu of the walk", i);
    }
    drop(&leaf);
    drop(&body);
}
END_TEST

static void bounce(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        wr_co_switch(&body, &home, 0);
    }
    wr_co_leave(&body, &home, 0);
}

START_TEST(each_resume_links_to_its_own_frame)
{
    start(&body, bounce, NULL);

    wr_co_resume(&home, &body, 0);
    *body.link = NULL;
    wr_co_switch(&home, &body, 0);
    ck_assert_ptr_null(*body.link);
    wr_co_resume(&home, &body, 0);

    ck_assert_ptr_eq(((const struct record *)*body.link)->up, __builtin_frame_address(0));
    drop(&body);
}
END_TEST
#endif

static void *unwound[32];

static void unwind(void *arg)
{
    (void)arg;
    wr_co_leave(&body, &home, (uintptr_t)backtrace(unwound, 32));
}

START_TEST(a_cfi_unwind_ends_at_the_trampoline)
{
    start(&body, unwind, NULL);

    uintptr_t frames_count = wr_co_resume(&home, &body, 0);

    ck_assert_uint_ge(frames_count, 1);
    ck_assert_uint_le(frames_count, 6);
#ifndef WR_CO_UCONTEXT
    uintptr_t last = (uintptr_t)unwound[frames_count - 1];
    ck_assert_uint_gt(last, (uintptr_t)wr_co_trampoline);
    ck_assert_uint_lt(last, (uintptr_t)wr_co_trampoline + 64);
#endif
    drop(&body);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("co_frames");
#if (defined(WR_CO_X86_64) || defined(WR_CO_AARCH64)) && !defined(SANITIZED)
    tcase_add_test(cases, a_frame_pointer_walk_goes_on_into_the_resumers);
    tcase_add_test(cases, each_resume_links_to_its_own_frame);
#endif
    tcase_add_test(cases, a_cfi_unwind_ends_at_the_trampoline);
    return run_cases("co_frames", cases);
}
