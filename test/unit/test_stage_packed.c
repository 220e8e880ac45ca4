/*
 * test_stage_packed.c - msgpack and cbor as a text has them: the suite for stages in both directions,
 * and what is rejected.
 */
#include "support_flow.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
static const weir_slice values[] = {
    TEXT("{\"a\":1}"), TEXT("[1,"), TEXT("\"text\""), TEXT("1e999"), TEXT("[null]"),
};
static const weir_slice bodies[] = {
    TEXT("\x81\xa1k\x01"), TEXT("\x01\x02"), TEXT(""), TEXT("\xa4kl"), TEXT("\xc1"), TEXT("\xa1x"),
};
static const weir_slice pieces[] = {
    TEXT("\x81\xa1k\x01\x92\x01"),
    TEXT("\xa3xy"),
    TEXT("z\x07\xcd"),
    TEXT("\x01\x02"),
};
#define KIT(stage, of, list)                                                                 \
    {                                                                                        \
        .text = stage, .shape = of, .items = list, .items_count = sizeof list / sizeof *list \
    }
static const struct wr_stage_kit kits[] = {
    KIT("msgpack", WEIR_SHAPE_BYTES, pieces),
    KIT("msgpack", 0, bodies),
    KIT("cbor", WEIR_SHAPE_JSON, values),
};
__attribute__((constructor)) static void add_suite(void)
{
    static const char *const names[] = {"msgpack of bytes", "msgpack of texts", "cbor of JSON"};
    for (size_t i = 0; i < (wr_test_sweeps() ? 1 : sizeof kits / sizeof *kits); i++) {
        wr_suite_add(wr_stage_suite, names[i], &kits[i]);
    }
}

struct one {
    weir_slice text;
};
WEIR_SOURCE(one, struct one)
{
    weir_item item = weir_bytes(args->text.data, args->text.len);
    (void)!weir_yield(self, &item);
    return 0;
}

static void fails(const char *stage, weir_slice text, const char *message)
{
    weir_item item;
    weir_error error;
    weir_loop *loop = test_loop();
    weir_gen *gen =
        weir_parse(weir_root(loop), one(weir_root(loop), (struct one){text}), stage, NULL);
    ck_assert(!weir_next(gen, &item));
    ck_assert_int_eq(weir_finish(gen, &error), WEIR_EPARSE);
    ck_assert_str_eq(error.message, message);
    weir_loop_free(loop);
}

TEST(a_rejection_says_what_is_wrong_and_where)
{
    fails("msgpack on-error=stop", (weir_slice)TEXT("\x01x"),
          "item 1: bytes behind the value, at byte 1 of it");
    fails("msgpack on-error=stop", (weir_slice)TEXT("\xa4kl"),
          "item 1: the value does not end, at byte 3 of it");
    fails("msgpack on-error=stop", (weir_slice)TEXT("\xc1"),
          "item 1: the byte 0xc1, which MessagePack does not use, at byte 0 of it");
    fails("json | cbor on-error=stop", (weir_slice)TEXT("[1,1e999]"),
          "item 1: a number that is too large\n  [1,1e999]\n     ^");
}

MAIN("stage/packed")
