/*
 * test_stage_regex.c - regex as a text has it: the suite for stages, and which fields come.
 */
#include "support_flow.h"
#include "support_stage.h"

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
static const weir_slice lines[] = {
    TEXT("GET 200"), TEXT(""), TEXT("x"), TEXT("GET 404 12"), TEXT("\xff GET 500|,"),
};
static const struct wr_stage_kit kits[] = {
    {.text = "regex `(?<method>GET) (?<status>\\d+)(?: (?<bytes>\\d+))?`",
     .items = lines,
     .items_count = sizeof lines / sizeof *lines},
};
WR_STAGE_SUITE(kits);

WEIR_SOURCE(one_line, struct wr_stage_kit)
{
    weir_item line = weir_bytes(args->items->data, args->items->len);
    (void)!weir_yield(self, &line);
    return 0;
}

/* The fields of the record of a line: "name=value|". */
static void fields_are(const char *stage, const char *text, const char *expected)
{
    char got[256] = "";
    size_t len = 0;
    weir_item item;
    weir_loop *loop = test_loop();
    weir_slice line = {text, strlen(text)};
    weir_gen *up = one_line(weir_root(loop), (struct wr_stage_kit){.items = &line});
    weir_gen *gen = weir_parse(weir_root(loop), up, stage);
    while (weir_next(gen, &item)) {
        const weir_event *event = weir_event_of(&item);
        for (uint32_t i = 0; i < event->fields_count; i++) {
            len += (size_t)snprintf(got + len, sizeof got - len, "%.*s=%.*s|",
                                    (int)event->names[i].len, event->names[i].data,
                                    (int)event->values[i].len, event->values[i].data);
        }
    }
    ck_assert_int_eq(weir_finish(gen, NULL), 0);
    weir_loop_free(loop);
    ck_assert_str_eq(got, expected);
}

TEST(named_groups_are_the_fields)
{
    fields_are("regex `(?<b>\\w+) (\\w+) (?<a>\\w+)`", "one two three", "b=one|a=three|");
}

TEST(a_group_that_took_no_part_is_left_out)
{
    fields_are("regex `(?<a>x)?(?<longer_than_the_text>y)(?<c>z)?`", "y",
               "longer_than_the_text=y|");
    fields_are("regex `(?<a>x?)y`", "y", "a=|");
}

TEST(a_line_that_does_not_match_gives_nothing)
{
    fields_are("regex `(?<a>x)`", "y", "");
    fields_are("regex `^(?<a>(x+)+)$`", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "");
}

MAIN("stage/regex")
