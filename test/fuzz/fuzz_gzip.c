/*
 * fuzz_gzip.c - content decoding. Invariants: the cut of the input and the room for output change
 * neither the bytes nor the verdict; the output limit holds; all input is used unless it failed.
 *
 * The first three bytes pick the kind and the limit, the input's pieces and the room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_gzip.h"

enum { LIMIT = 100000 };

struct seen {
    uint64_t count, hash;
    int rc;
};

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static struct seen decode(const uint8_t *data, size_t len, enum wr_gunzip_kind kind, uint64_t limit,
                          size_t step, size_t cap)
{
    struct seen seen = {0, 0, 0};
    struct wr_gunzip g;
    uint8_t *room = malloc(cap);
    size_t at = 0;
    int rc = WR_GUNZIP_NEED_INPUT;
    require(room != NULL && wr_gunzip_init(&g, kind, limit, 0, 0) == 0);
    while (rc >= 0 && (at < len || rc == WR_GUNZIP_MORE_OUTPUT)) {
        size_t piece = step < len - at ? step : len - at;
        size_t used;
        size_t made;
        rc = wr_gunzip_step(&g, data + at, piece, &used, room, cap, &made);
        require(used <= piece && made <= cap && (rc != WR_GUNZIP_NEED_INPUT || used == piece));
        for (size_t i = 0; i < made; i++) {
            seen.hash = (seen.hash ^ room[i]) * UINT64_C(0x100000001b3);
        }
        seen.count += made;
        at += used;
    }
    require(seen.count <= limit);
    seen.rc = wr_gunzip_finish(&g);
    require((rc < 0) == (g.failure != 0) && (rc >= 0 || seen.rc == rc));
    wr_gunzip_fini(&g);
    free(room);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3) {
        return 0;
    }
    enum wr_gunzip_kind kind = data[0] & 1 ? WR_GUNZIP_GZIP : WR_GUNZIP_DEFLATE;
    uint64_t limit = data[0] & 2 ? LIMIT : (uint64_t)(data[0] >> 2) + 1;
    struct seen whole = decode(data + 3, len - 3, kind, limit, len, 65536);
    struct seen cut = decode(data + 3, len - 3, kind, limit, data[1] % 16 + 1u, data[2] + 1u);
    require(whole.count == cut.count && whole.hash == cut.hash && whole.rc == cut.rc);
    return 0;
}
