/*
 * test_plan_stages.c - the suite for stages (support_stage.h), over every stage that there is.
 *
 * A stage is run as it stands in its own example. Those that take bytes of a form of their own are
 * given some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_stage.h"

#define BYTES(text)           \
    {                         \
        text, sizeof text - 1 \
    }

static const weir_slice pieces[] = {BYTES("one\nt"), BYTES("wo\r\n"), BYTES("\nthree\nla"),
                                    BYTES("st")};
static const weir_slice ended[] = {BYTES("one\0t"), BYTES("wo\0"), BYTES("\0three\0la"),
                                   BYTES("st\0")};
static const weir_slice long_records[] = {BYTES("\0\0\0\3one\0\0"),
                                          BYTES("\0\3two\0\0\0\0\0\0\0\5th"), BYTES("ree")};
static const weir_slice records[] = {BYTES("\3one\3t"), BYTES("wo\0\5three")};
static const weir_slice messages[] = {BYTES("<1>a: one\n12 <2>b: "), BYTES("two\n\n<3>c\n9"),
                                      BYTES("9\n<4>d: x\n")};
/* IPFIX: a template, and a record */
static const weir_slice flows[] = {
    BYTES("\0\12\0\x21\x66\x32\0\0\0\0\0\1\0\0\0\7\0\2\0\14\1\0\0\1\0\4\0\1\1\0\0\5\x11\0\12\0"),
    BYTES("\x15\x66\x32\0\0\0\0\0\2\0\0\0\7\1\0\0\5\6")};
/* The template and a record; a record without one; three records; no packet; a record. */
#define HEAD_9 "\0\11\0\1\0\0\0\1\x66\x32\0\0\0\0\0\1\0\0\0\7"
static const weir_slice packets[] = {
    BYTES(HEAD_9 "\0\0\0\x10\1\0\0\2\0\4\0\1\0\7\0\2"
                 "\1\0\0\7\6\0\x35"),
    BYTES(HEAD_9 "\1\1\0\7\6\0\x35"),
    BYTES(HEAD_9 "\1\0\0\x0d\6\0\x35\x11\0\x36\6\0\x37"),
    BYTES("x"),
    BYTES(HEAD_9 "\1\0\0\7\6\0\x38"),
};
static const weir_slice fixed[] = {BYTES("0123456789abcdef01"), BYTES("23456789abcdef")};
static const weir_slice events[] = {BYTES("data: one\n\nda"), BYTES("ta: two\nid: 7\n\n"),
                                    BYTES("data: three\n\n")};
static const weir_slice values[] = {BYTES("{\n\"a\": [1"), BYTES(",2]} {}\n{\"bad\" 1}\n[3"),
                                    BYTES("]\n\"x\"\n{\"y\":")};
static const weir_slice rows[] = {BYTES("{\"n\":{},\"rows\": [1"), BYTES("2, {\n}, 0"),
                                  BYTES("1 ] }\n{\"rows\":[]}")};

/* "one\ntwo\nthree\n" */
static const weir_slice gzipped[] = {
    BYTES("\x1f\x8b\x08"),
    BYTES("\x00\x00\x00\x00\x00\x00\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7\x2a\xc9"),
    BYTES("\x28\x4a\x4d\xe5\x02\x00\xb6\xd5\xe6\x25\x0e\x00\x00\x00")};
static const weir_slice zstandard[] = {
    BYTES("\x28\xb5\x2f\xfd\x04"), BYTES("\x58\x71\x00\x00\x6f\x6e\x65\x0a\x74\x77\x6f\x0a\x74"),
    BYTES("\x68\x72\x65\x65\x0a\xa4\x58\x89\x34")};
static const weir_slice brotli[] = {BYTES("\x8f"), BYTES("\x06\x80\x6f\x6e\x65\x0a\x74\x77"),
                                    BYTES("\x6f\x0a\x74\x68\x72\x65\x65\x0a\x03")};
static const weir_slice lz4[] = {BYTES("\x04\x22\x4d\x18\x64\x40\xa7\x0e"),
                                 BYTES("\x00\x00\x80\x6f\x6e\x65\x0a\x74\x77\x6f\x0a\x74"),
                                 BYTES("\x68\x72\x65\x65\x0a\x00\x00\x00\x00\x43\x25\x98\xa3")};

#define KIT(stage, slices)                                         \
    {                                                              \
        .text = stage, .shape = WEIR_SHAPE_BYTES, .items = slices, \
        .items_count = sizeof slices / sizeof slices[0]            \
    }

static char schema_text[512]; /* has the path of test/data/event.schema.json */
static const weir_slice objects[] = {
    BYTES("{\"n\":1}"), BYTES("{\"n\":-1}"), BYTES(" "), BYTES("{\"n\":2,\"next\":{\"n\":3}}"),
    BYTES("{\"n\""),    BYTES("{\"m\":1}"),  BYTES("7"),
};

/* Stages that take bytes or items of a form of their own, and arguments that change a stage's traits. */
static const struct wr_stage_kit special[] = {
    KIT("lines", pieces),
    KIT("raw", pieces),
    KIT("nul", ended),
    KIT("len32", long_records),
    KIT("varint", records),
    KIT("fixed 16", fixed),
    KIT("sse", events),
    KIT("syslog", messages),
    KIT("netflow", flows),
    {.text = "netflow", .items = packets, .items_count = 5, .several = true, .packets = true},
    {.text = schema_text, .items = objects, .items_count = sizeof objects / sizeof *objects},
    KIT("gunzip", gzipped),
    KIT("unzstd", zstandard),
    KIT("unbrotli", brotli),
    KIT("unlz4", lz4),
    KIT("json", values),
    KIT("json items .rows", rows),
    KIT("csv", pieces),
    KIT("tsv", pieces),
    {.text = "seq", .items = objects, .items_count = sizeof objects / sizeof *objects},
    {.text = "uniq within 3"},
    {.text = "uniq by .", .shape = WEIR_SHAPE_JSON},
    {.text = "until . == 2 without"},
    {.text = "assert . != 4 on-error=skip"},
    KIT("rechunk 64KiB", pieces),
    {.text = "sort max=100 by . desc"},
    {.text = "sample 30%"},
    {.text = "throttle 1KiB/s"},
    {.text = "delay 100ms 3 1KiB"},
    {.text = "queue 2 full=drop-oldest"},
    {.text = "queue 2 full=drop-newest"},
    {.text = "queue full=latest"},
};

/* The stage as its example has it; 0: the component is no stage. */
static size_t from_example(const weir_component *component, char *text, size_t cap)
{
    weir_error error;
    size_t len = 0;
    weir_plan *plan = component->kind == WEIR_KIND_STAGE
                          ? weir_plan_read(component->example, NULL, &error)
                          : NULL;
    for (size_t i = 0; plan != NULL && i < weir_plan_count(plan) && len == 0; i++) {
        if (weir_plan_part(plan, i) == component) {
            len = strlen(weir_plan_part_text(plan, i));
            if (len >= cap) {
                abort();
            }
            memcpy(text, weir_plan_part_text(plan, i), len + 1);
        }
    }
    weir_plan_free(plan);
    return len;
}

/* In a sweep each kit meets every third test only, so that all tests together meet each stage's
 * failures. */
static void add(const struct wr_stage_kit *kit)
{
    static size_t turn;
    for (size_t i = 0; wr_stage_suite[i].name != NULL; i++) {
        const struct wr_suite_test one[] = {wr_stage_suite[i], {NULL, NULL}};
        if (!wr_test_sweeps() || (i + turn) % 3 == 0) {
            wr_suite_add(one, kit->text, kit);
        }
    }
    turn++;
}

/* A stage that cannot be opened is a test that fails. */
static void has_a_kit(const void *on)
{
    const weir_component *component = on;
    ck_abort_msg(
        "the example of the stage '%s' does not show it, or it takes bytes of a form of its "
        "own: then what a test gives it belongs in test/unit/test_plan_stages.c",
        component->name);
}
static const struct wr_suite_test unknown[] = {{"has_a_kit", has_a_kit}, {NULL, NULL}};

/* Is it given something of this shape above? */
static bool is_special(const weir_component *component, uint32_t shape)
{
    bool found = false;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        size_t len = strcspn(special[i].text, " ");
        found = found || (special[i].shape == shape && special[i].items != NULL &&
                          strlen(component->name) == len &&
                          memcmp(special[i].text, component->name, len) == 0);
    }
    return found;
}

enum { STAGES_MAX = 256 };

static void add_example(const weir_component *component)
{
    static char texts[STAGES_MAX][128];
    static struct wr_stage_kit kits[STAGES_MAX];
    static size_t count;
    if (count < STAGES_MAX && from_example(component, texts[count], sizeof texts[0]) > 0) {
        kits[count].text = texts[count];
        kits[count].shape = (component->takes & WEIR_SHAPE_LINE) != 0   ? 0
                            : (component->takes & WEIR_SHAPE_JSON) != 0 ? WEIR_SHAPE_JSON
                                                                        : WEIR_SHAPE_EVENT;
        add(&kits[count++]);
    } else {
        wr_suite_add(unknown, component->name, component);
    }
}

/* Is there an earlier component of the same code, which a sweep has met? */
static bool has_a_twin(const weir_component *component, size_t i)
{
    bool twin = false;
    while (i-- > 0 && component->traits_of != NULL && component->args != NULL) {
        const weir_component *other = weir_component_at(i);
        twin = twin || (other->traits_of == component->traits_of && other->args == component->args);
    }
    return twin;
}

__attribute__((constructor)) static void add_all(void)
{
    const weir_component *component;
    const char *folder = getenv("WEIR_TEST_DATA");
    snprintf(schema_text, sizeof schema_text, "schema %s/event.schema.json",
             folder != NULL ? folder : "test/data");
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        add(&special[i]);
    }
    for (size_t i = 0; (component = weir_component_at(i)) != NULL; i++) {
        bool stage = component->kind == WEIR_KIND_STAGE;
        bool bytes = component->takes == WEIR_SHAPE_BYTES;
        if (!stage || !test_is_built(component) || (wr_test_sweeps() && has_a_twin(component, i)) ||
            is_special(component, bytes ? WEIR_SHAPE_BYTES : 0)) {
            continue;
        }
        if (bytes) {
            wr_suite_add(unknown, component->name, component);
        } else {
            add_example(component);
        }
    }
}

MAIN("plan/stages")
