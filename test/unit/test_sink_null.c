/*
 * The sink that takes and forgets.
 */
#include "support_suites.h"

TEST(takes_all_and_settles_all)
{
    weir_loop *loop = test_loop();
    weir_error error;

    ck_assert_int_eq(
        weir_pump(weir_count(weir_root(loop), 1, 1000), weir_null_sink(weir_root(loop)), &error),
        0);

    weir_ledger ledger = ledger_of(weir_root(loop));
    MUST(error.code < 0 || ledger.delivered == 1000);
    weir_loop_free(loop);
}

TEST(passes_a_failure_on)
{
    weir_loop *loop = test_loop();
    weir_gen *gen = numbers(weir_root(loop), (struct numbers_args){.count = 5, .fail_at = 3});

    ck_assert_int_eq(weir_pump(gen, weir_null_sink(weir_root(loop)), NULL), WEIR_EPARSE);
    weir_loop_free(loop);
}

MAIN("sink/null")
