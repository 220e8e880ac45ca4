/*
 * test_codec_lines.c - the line splitter against its contract.
 *
 * Every input is fed at many chunkings, small windows each in a heap block of its own (so that a
 * sanitizer sees a read outside), and compared with a reference that looks at one byte after
 * another.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/item.h>

#include "codec_lines.h"
#include "support_check.h"
#include "support_jsonl.h"

enum { CRLF = WEIR_ITEM_CRLF, NO_EOL = WEIR_ITEM_NO_EOL, CUT = WEIR_ITEM_TRUNCATED };

/* What came out: lines as places in the input. */
struct place {
    uint64_t at;
    size_t len;
    uint32_t flags, raw_len;
    uint64_t end;
};

struct result {
    struct place *places;
    size_t count, cap;
    uint64_t overlong_count, overlong_bytes, overlong_start;
    bool failed;
};

static void add(struct result *r, struct place place)
{
    if (r->count == r->cap) {
        r->cap = r->cap * 2 + 16;
        r->places = realloc(r->places, r->cap * sizeof *r->places);
        ck_assert_ptr_nonnull(r->places);
    }
    r->places[r->count++] = place;
}

/* How the input is cut: first one piece of `first` bytes, then pieces of `step` (0: of random
 * length by `seed`). */
struct chunking {
    size_t first, step, max; /* max: lines per call */
    uint32_t seed;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void begin(struct wr_framer *lines, size_t limit, int32_t policy, uint64_t offset)
{
    ck_assert_int_eq(wr_framer_init(lines, WEIR_FRAME_LINES, limit, policy, 0, offset), 0);
}

static struct result split(const char *input, size_t len, size_t limit, int32_t policy,
                           struct chunking how)
{
    struct result r = {0};
    struct wr_framer lines;
    struct wr_frame out[300];
    begin(&lines, limit, policy, 1000);
    size_t begin = 0;
    size_t end = 0;
    size_t piece = how.first;
    while (!r.failed) {
        end = piece > len - end ? len : end + piece;
        piece = how.step != 0 ? how.step : next_random(&how.seed) % 97;
        bool eof = end == len;
        long got;
        do {
            size_t used = 0;
            bool copied = end - begin <= 400;
            char *copy = copied ? malloc(end - begin) : NULL;
            const char *window = copied ? memcpy(copy, input + begin, end - begin) : input + begin;
            got = lines.ops->split(&lines, window, end - begin, eof, out, how.max, &used);
            for (long i = 0; i < got; i++) {
                uint64_t at = begin + (uint64_t)(out[i].data - window);
                add(&r, (struct place){at, out[i].len, out[i].flags, out[i].raw_len,
                                       out[i].end - 1000});
            }
            r.failed = got < 0;
            begin += used;
            if (lines.offset != 1000 + begin) {
                ck_abort_msg("the offset is not that of the window");
            }
            free(copy);
        } while (got == (long)how.max || (got > 0 && eof));
        if (limit < 100000 && policy != WEIR_LONG_FAILS) {
            ck_assert_uint_le(end - begin, limit + 1);
        }
        if (eof) {
            break;
        }
    }
    if (!r.failed) {
        ck_assert_uint_eq(begin, len);
    }
    r.overlong_count = lines.overlong_count;
    r.overlong_bytes = lines.overlong_bytes;
    r.overlong_start = lines.overlong_start;
    return r;
}

/* The rules, one line after another. */
static struct result reference(const char *input, size_t len, size_t limit, int32_t policy)
{
    struct result r = {0};
    size_t start = 0;
    while (start < len && !r.failed) {
        size_t lf = start;
        while (lf < len && input[lf] != '\n') {
            lf++;
        }
        uint32_t flags = lf == len ? NO_EOL : 0;
        size_t raw_len = lf - start + (lf < len);
        size_t n = lf - start;
        if (n > 0 && input[lf - 1] == '\r') {
            flags |= CRLF;
            n--;
        }
        if (n <= limit) {
            add(&r, (struct place){start, n, flags, (uint32_t)raw_len, start + raw_len});
        } else {
            r.overlong_count++;
            r.overlong_start = 1000 + start;
            r.overlong_bytes += raw_len;
            r.failed = policy == WEIR_LONG_FAILS;
            if (policy == WEIR_LONG_CUT) {
                r.overlong_bytes -= limit;
                add(&r, (struct place){start, limit, CUT, (uint32_t)limit, start + limit});
            }
        }
        start += raw_len;
    }
    return r;
}

static void same(const struct result *want, const struct result *got)
{
    ck_assert_uint_eq(got->count, want->count);
    for (size_t i = 0; i < want->count; i++) {
        const struct place *w = &want->places[i];
        const struct place *g = &got->places[i];
        /* No assertion per line: each writes a message to the test runner. */
        if (g->at != w->at || g->len != w->len || g->flags != w->flags ||
            g->raw_len != w->raw_len || g->end != w->end) {
            ck_abort_msg("line %zu: got %zu bytes at %zu, flags %u, raw %u, not %zu at %zu, %u, %u",
                         i, g->len, (size_t)g->at, g->flags, g->raw_len, w->len, (size_t)w->at,
                         w->flags, w->raw_len);
        }
    }
    ck_assert_int_eq(got->failed, want->failed);
    ck_assert_uint_eq(got->overlong_count, want->overlong_count);
    ck_assert_uint_eq(got->overlong_start, want->overlong_start);
    if (!want->failed) {
        ck_assert_uint_eq(got->overlong_bytes, want->overlong_bytes);
    }
}

static void check_one(const char *input, size_t len, size_t limit, int32_t policy,
                      struct chunking how)
{
    struct result want = reference(input, len, limit, policy);
    struct result got = split(input, len, limit, policy, how);
    same(&want, &got);
    free(want.places);
    free(got.places);
}

/* Whole, 1, 2, 3 and 7 bytes, random pieces, and two-way splits (all, or 200 of a long input). */
static void check_input(const char *input, size_t len, size_t limit)
{
    static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 7};
    static const size_t maxes[] = {1, 17, 300};
    for (int32_t policy = WEIR_LONG_SKIP; policy <= WEIR_LONG_FAILS; policy++) {
        for (size_t m = 0; m < 3; m++) {
            for (size_t s = 0; s < 5; s++) {
                check_one(input, len, limit, policy,
                          (struct chunking){steps[s], steps[s], maxes[m], 0});
            }
            for (uint32_t seed = 1; seed < 4; seed++) {
                check_one(input, len, limit, policy, (struct chunking){5, 0, maxes[m], seed});
            }
        }
        for (size_t i = 0; i <= len; i += 1 + len / 200) {
            check_one(input, len, limit, policy, (struct chunking){i, SIZE_MAX, 300, 0});
        }
    }
}

static void check_text(const char *text, size_t limit)
{
    check_input(text, strlen(text), limit);
}

static struct result lines_of(const char *text, size_t limit, int32_t policy)
{
    return split(text, strlen(text), limit, policy, (struct chunking){SIZE_MAX, SIZE_MAX, 300, 0});
}

static void expect(const char *text, size_t index, size_t count, uint64_t at, size_t len,
                   uint32_t flags)
{
    struct result r = lines_of(text, SIZE_MAX, WEIR_LONG_SKIP);
    ck_assert_uint_eq(r.count, count);
    ck_assert_uint_eq(r.places[index].at, at);
    ck_assert_uint_eq(r.places[index].len, len);
    ck_assert_uint_eq(r.places[index].flags, flags);
    free(r.places);
    check_text(text, SIZE_MAX);
}

TEST(lines_split_at_lf)
{
    expect("ab\ncde\n", 1, 2, 3, 3, 0);
}

TEST(lines_take_one_cr_into_the_line_end)
{
    expect("ab\r\r\n", 0, 1, 0, 3, CRLF);
}

TEST(lines_keep_a_lone_cr)
{
    expect("a\rb\n", 0, 1, 0, 3, 0);
}

TEST(lines_keep_a_byte_order_mark)
{
    expect("\xef\xbb\xbf"
           "a\n",
           0, 1, 0, 4, 0);
}

TEST(lines_keep_nul)
{
    struct result r =
        split("a\0b\n", 4, SIZE_MAX, WEIR_LONG_SKIP, (struct chunking){SIZE_MAX, SIZE_MAX, 9, 0});
    ck_assert_uint_eq(r.places[0].len, 3);
    free(r.places);
}

TEST(lines_give_the_rest_at_the_end)
{
    expect("a\nbc", 1, 2, 2, 2, NO_EOL);
}

TEST(lines_take_a_last_cr_as_a_line_end_cut_short)
{
    expect("a\nb\r", 1, 2, 2, 1, CRLF | NO_EOL);
}

TEST(lines_make_an_empty_line_of_a_last_lone_cr)
{
    expect("a\n\r", 1, 2, 2, 0, CRLF | NO_EOL);
}

TEST(lines_have_no_empty_last_line)
{
    expect("a\n\n", 1, 2, 2, 0, 0);
}

TEST(lines_of_nothing_are_none)
{
    struct result r = lines_of("", SIZE_MAX, WEIR_LONG_SKIP);
    ck_assert_uint_eq(r.count, 0);
    check_text("", 0);
}

/* One line of limit-1, limit and limit+1 bytes, with each line end, alone and between others. */
TEST_WITHIN(lines_limit_counts_without_the_line_end, 40)
{
    static const char *const ends[] = {"\n", "\r\n", "", "\r", "\r\r\n"};
    for (size_t limit = 0; limit < 70; limit += limit < 5 ? 1 : 29) {
        for (size_t len = limit == 0 ? 0 : limit - 1; len <= limit + 2; len++) {
            for (size_t e = 0; e < 5; e++) {
                char text[256] = "\nb\n";
                memset(text + 3, 'x', len);
                strcpy(text + 3 + len, ends[e]);
                check_text(text, limit);
                strcat(text, "\nc\n");
                check_text(text, limit);
            }
        }
    }
}

TEST(lines_tell_a_skipped_line_once)
{
    struct result r = lines_of("a\nlong line\r\nb\n", 3, WEIR_LONG_SKIP);
    ck_assert_uint_eq(r.count, 2);
    ck_assert_uint_eq(r.places[1].at, 13);
    ck_assert_uint_eq(r.overlong_count, 1);
    ck_assert_uint_eq(r.overlong_bytes, 11);
    ck_assert_uint_eq(r.overlong_start, 1002);
    free(r.places);
}

TEST(lines_cut_at_the_limit_and_count_the_rest)
{
    struct result r = lines_of("abcdef\ng\n", 4, WEIR_LONG_CUT);
    ck_assert_uint_eq(r.count, 2);
    ck_assert_uint_eq(r.places[0].len, 4);
    ck_assert_uint_eq(r.places[0].flags, CUT);
    ck_assert_uint_eq(r.overlong_bytes, 3);
    free(r.places);
}

TEST(lines_before_a_failure_come_first)
{
    struct wr_framer lines;
    struct wr_frame out[4];
    size_t used;
    begin(&lines, 2, WEIR_LONG_FAILS, 0);
    ck_assert_int_eq(lines.ops->split(&lines, "a\nlong\nb\n", 9, true, out, 4, &used), 1);
    ck_assert_uint_eq(used, 2);
    ck_assert_int_eq(lines.ops->split(&lines, "long\nb\n", 7, true, out, 4, &used), WEIR_ETOOLONG);
    ck_assert_uint_eq(lines.overlong_start, 2);
    ck_assert_int_eq(lines.ops->split(&lines, "long\nb\n", 7, true, out, 4, &used), WEIR_ETOOLONG);
    ck_assert_uint_eq(lines.overlong_count, 1);
}

/* A search that forgets where it was would take minutes. */
TEST(lines_in_single_bytes_cost_one_look_each)
{
    size_t len = 1 << 20;
    char *text = malloc(len);
    struct wr_framer lines;
    struct wr_frame out[1];
    memset(text, 'x', len);
    text[len - 1] = '\n';
    begin(&lines, SIZE_MAX, WEIR_LONG_SKIP, 0);
    for (size_t i = 1; i < len; i++) {
        size_t used;
        ck_assert(lines.ops->split(&lines, text, i, false, out, 1, &used) == 0 && used == 0);
    }
    size_t used;
    ck_assert_int_eq(lines.ops->split(&lines, text, len, false, out, 1, &used), 1);
    ck_assert_uint_eq(out[0].raw_len, len);
    free(text);
}

static void fill(char *text, size_t len, uint32_t *seed, uint32_t line_len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t r = next_random(seed) % (2 * line_len);
        text[i] = r < 2 ? '\n' : r == 2 ? '\r' : r == 3 ? '\v' : 'x';
    }
    for (size_t i = 1; i < len; i++) {
        if (text[i] == '\n' && next_random(seed) % 4 == 0) {
            text[i - 1] = '\r';
        }
    }
}

TEST_WITHIN(lines_agree_with_the_reference_at_every_length, 40)
{
    static const uint32_t line_lens[] = {1, 3, 20, 100, 2000};
    uint32_t seed = 7;
    char text[301];
    for (size_t len = 0; len <= 300; len++) {
        uint32_t line_len = line_lens[len % 5];
        fill(text, len, &seed, line_len);
        size_t limit = len % 3 == 0 ? SIZE_MAX : len % 3 == 1 ? 10 : 90;
        for (int32_t policy = WEIR_LONG_SKIP; policy <= WEIR_LONG_FAILS; policy++) {
            for (size_t first = 0; first <= len; first += 1 + len / 40) {
                size_t max = 1 + first % 70;
                check_one(text, len, limit, policy, (struct chunking){first, SIZE_MAX, max, 0});
            }
            check_one(text, len, limit, policy, (struct chunking){1, 1, 3, 0});
        }
    }
}

TEST_WITHIN(lines_agree_with_the_reference_around_block_multiples, 40)
{
    static const size_t centres[] = {64, 256, 512, 4096, 8192, 32768};
    static const uint32_t line_lens[] = {1, 2, 20, 80, 174, 700, 3000};
    uint32_t seed = 11;
    char *text = malloc(32768 + 4);
    for (size_t c = 0; c < 6; c++) {
        for (size_t len = centres[c] - 3; len <= centres[c] + 3; len++) {
            for (size_t k = centres[c] > 5000 ? 3 : 0; k < 7; k++) {
                fill(text, len, &seed, line_lens[k]);
                size_t limit = k % 2 == 0 ? SIZE_MAX : line_lens[k];
                check_one(text, len, limit, WEIR_LONG_CUT,
                          (struct chunking){SIZE_MAX, SIZE_MAX, 300, 0});
                check_one(text, len, limit, WEIR_LONG_SKIP,
                          (struct chunking){len / 2, 4096, 64, 0});
            }
        }
    }
    free(text);
}

/* Each way of searching that this machine has, plain ones too: short lines, some with a CR, some
 * empty, some over the limit at each place of a group. */
TEST_WITHIN(lines_are_the_same_by_every_way_of_searching, 40)
{
    static const uint32_t line_lens[] = {1, 5, 40, 90, 174};
    enum { TEXT_LEN = 5000 };
    char *text = malloc(TEXT_LEN);
    uint32_t seed = 5;
    for (unsigned way = 0; way < wr_lines_ways(); way++) {
        wr_lines_use(way);
        for (size_t k = 0; k < 15; k++) {
            fill(text, TEXT_LEN - k, &seed, line_lens[k % 5]);
            for (size_t max = 1; max <= 300; max += 1 + max / 4) {
                size_t limit = k < 5 ? SIZE_MAX : line_lens[k % 5];
                int32_t policy = k < 10 ? WEIR_LONG_SKIP : WEIR_LONG_CUT;
                check_one(text, TEXT_LEN - k, limit, policy,
                          (struct chunking){max * 16, SIZE_MAX, max, 0});
            }
        }
    }
    wr_lines_use(wr_lines_ways() - 1);
    free(text);
}

/* The cases that the neighbours have. Two of them count or keep the CR before an LF or at the end,
 * where this splitter takes it as part of the line end, also for the limit. */
TEST_WITHIN(lines_of_the_neighbours, 40)
{
    struct jsonl *cases = jsonl_load("lines.jsonl");
    size_t count = 0;
    for (const struct jsonl *c = cases; c != NULL; c = c->next, count++) {
        char input[32768];
        size_t len = 0;
        for (const struct jsonl *part = jsonl_get(c, "chunks")->first; part != NULL;
             part = part->next) {
            memcpy(input + len, part->text, part->len);
            len += part->len;
        }
        const struct jsonl *max = jsonl_get(c, "max");
        size_t limit = max->kind == JSONL_NUMBER ? (size_t)max->number : SIZE_MAX;
        struct result r =
            split(input, len, limit, WEIR_LONG_SKIP, (struct chunking){SIZE_MAX, SIZE_MAX, 300, 0});
        bool cr_counts = strcmp(jsonl_text(c, "id"), "tokio/max_length") == 0;
        size_t index = 0;
        size_t errors = 0;
        for (const struct jsonl *e = jsonl_get(c, "expect")->first; e != NULL; e = e->next) {
            const struct jsonl *line = jsonl_get(e, "line");
            if (line == NULL) {
                errors++;
                if (!cr_counts || errors == 1) {
                    continue;
                }
            }
            ck_assert_uint_lt(index, r.count);
            const struct place *place = &r.places[index++];
            ck_assert_uint_eq(place->len, line == NULL ? 6 : line->len);
            ck_assert_mem_eq(input + place->at, line == NULL ? "line 3" : line->text, place->len);
        }
        /* After "line 4" the case ends in CRLF and a lone CR: Go's empty line, that tokio does not
         * give. */
        ck_assert_uint_eq(r.count, index + (cr_counts || strcmp(jsonl_text(c, "id"),
                                                                "tokio/lines_decoder") == 0));
        ck_assert_uint_eq(r.overlong_count, errors - cr_counts);
        free(r.places);
        check_input(input, len, limit);
    }
    ck_assert_uint_eq(count, 24);
    jsonl_free(cases);
}

MAIN("codec/lines")
