/*
 * test_base_alloc.c - weir's way to memory: the program's allocator, and memory that runs out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/loop.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "support_check.h"

static int live;

static void *count_allocate(void *ctx, size_t bytes)
{
    ++*(int *)ctx;
    return malloc(bytes);
}

static void *count_reallocate(void *ctx, void *old, size_t bytes)
{
    *(int *)ctx += old == NULL;
    return realloc(old, bytes);
}

static void count_release(void *ctx, void *old)
{
    --*(int *)ctx;
    free(old);
}

static const weir_allocator counting = {sizeof counting, count_allocate, count_reallocate,
                                        count_release, &live};

TEST(allocator_of_the_program_serves_every_call)
{
    ck_assert_int_eq(weir_use_allocator(&counting), WEIR_OK);

    char *a = wr_alloc(8);
    char *b = wr_zalloc(8);
    char *c = wr_strdup("abc");
    char *d = wr_realloc(NULL, 8);
    MUST(live == (a != NULL) + (b != NULL) + (c != NULL) + (d != NULL));
    wr_free(a);
    wr_free(b);
    wr_free(c);
    wr_free(d);
    MUST(live == 0);
}

TEST(zeroed_memory_is_zero_with_the_programs_allocator)
{
    ck_assert_int_eq(weir_use_allocator(&counting), WEIR_OK);

    unsigned char *memory = wr_zalloc(64);

    ck_assert_ptr_nonnull(memory);
    for (int i = 0; i < 64; i++) {
        ck_assert_uint_eq(memory[i], 0);
    }
    wr_free(memory);
}

TEST(allocator_is_final_after_the_first_allocation)
{
    void *memory = wr_alloc(1);

    MUST(weir_use_allocator(&counting) == WEIR_EINVAL);

    wr_free(memory);
}

TEST(allocator_with_a_hole_is_refused)
{
    weir_allocator hole = counting;
    hole.release = NULL;
    weir_allocator old = counting;
    old.struct_size = 8;

    MUST(weir_use_allocator(NULL) == WEIR_EINVAL);
    MUST(weir_use_allocator(&hole) == WEIR_EINVAL);
    MUST(weir_use_allocator(&old) == WEIR_EINVAL);
}

TEST(zero_bytes_are_memory_not_a_failure)
{
    void *a = wr_alloc(0);
    void *b = wr_zalloc(0);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);

    wr_free(a);
    wr_free(b);
}

TEST(more_than_any_object_can_hold_is_out_of_memory)
{
    ck_assert_int_eq(weir_use_allocator(&counting), WEIR_OK);
    volatile size_t too_much = (size_t)PTRDIFF_MAX + 1;

    MUST(wr_alloc(too_much) == NULL);
    MUST(wr_zalloc(too_much) == NULL);
    MUST(wr_realloc(NULL, too_much) == NULL);
    MUST(live == 0); /* the program's allocator was not even asked */
}

TEST(failed_realloc_leaves_the_old_memory)
{
    char *text = wr_strdup("kept");
    ck_assert_ptr_nonnull(text);
    wr_fault_set(1, false);

    char *longer = wr_realloc(text, 100);

    ck_assert_ptr_null(longer);
    ck_assert_str_eq(text, "kept");
    wr_free(text);
}

TEST(copy_of_no_text_is_no_text)
{
    MUST(wr_strdup(NULL) == NULL);
    wr_free(NULL);
}

MAIN("base/alloc")
