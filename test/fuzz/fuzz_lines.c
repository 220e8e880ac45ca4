/*
 * fuzz_lines.c - the line splitter. Invariants: any two cuts of the input into windows give the
 * same lines and counters; the raw pieces and what was dropped add up to the input; nothing outside
 * a window is read.
 *
 * The first three bytes pick the limit, the policy and the cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/item.h>

#include "codec_lines.h"

struct seen {
    uint64_t count, hash, raw;
    uint64_t overlong_count, overlong_bytes, overlong_start;
    int failed;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void see(struct seen *seen, const struct wr_line *line, uint64_t at, size_t limit)
{
    require(line->len <= limit && line->end == at + line->raw_len);
    require(memchr(line->data, '\n', line->len) == NULL);
    const uint64_t parts[] = {at, line->len, line->flags, line->raw_len};
    for (size_t i = 0; i < 4; i++) {
        seen->hash = (seen->hash ^ parts[i]) * UINT64_C(0x100000001b3);
    }
    seen->count++;
    seen->raw += line->raw_len;
}

/* step 0: the whole at once. */
static struct seen split(const uint8_t *data, size_t len, size_t limit, enum wr_lines_policy policy,
                         size_t step, size_t max)
{
    struct seen seen = {0};
    struct wr_lines lines;
    struct wr_line out[16];
    size_t begin = 0;
    size_t end = 0;
    wr_lines_init(&lines, limit, policy, 0);
    do {
        end = step == 0 || step > len - end ? len : end + step;
        long got;
        do {
            size_t used;
            char *window = malloc(end - begin);
            require(window != NULL || end == begin);
            if (end > begin) {
                memcpy(window, data + begin, end - begin);
            }
            got = wr_lines_split(&lines, window, end - begin, end == len, out, max, &used);
            require(used <= end - begin);
            for (long i = 0; i < got; i++) {
                see(&seen, &out[i], begin + (uint64_t)(out[i].data - window), limit);
            }
            begin += used;
            free(window);
        } while (got > 0);
        seen.failed = got < 0;
    } while (end < len && !seen.failed);
    require(seen.failed || begin == len);
    seen.overlong_count = lines.overlong_count;
    seen.overlong_bytes = seen.failed ? 0 : lines.overlong_bytes;
    seen.overlong_start = lines.overlong_start;
    require(seen.failed || seen.raw + seen.overlong_bytes == len);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3) {
        return 0;
    }
    size_t limit = data[0] < 200 ? data[0] : SIZE_MAX;
    enum wr_lines_policy policy = (enum wr_lines_policy)(data[1] % 3);
    size_t step = data[2] % 80 + 1u;
    struct seen whole = split(data + 3, len - 3, limit, policy, 0, 16);
    struct seen cut = split(data + 3, len - 3, limit, policy, step, 1 + data[1] % 16);
    require(whole.count == cut.count && whole.hash == cut.hash && whole.raw == cut.raw);
    require(whole.overlong_count == cut.overlong_count &&
            whole.overlong_bytes == cut.overlong_bytes);
    require(whole.overlong_start == cut.overlong_start && whole.failed == cut.failed);
    return 0;
}
