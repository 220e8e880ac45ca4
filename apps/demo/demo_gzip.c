/*
 * demo_gzip.c - the demo's compressed routes: /gzip, /feed.csv.gz and /bomb.gz.
 *
 * Each is one generator, which asks for the plain bytes piece by piece and compresses them. It has a
 * position in what it serves: a byte of the file, a row, or a byte of the bomb. Between two yields
 * only the buffers are kept, so a client that does not read costs a fixed amount of memory.
 */
#define ZLIB_CONST
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "demo.h"

enum { PLAIN = DEMO_LINE_MAX + 8, PACKED = 32 * 1024 };

struct packed_args {
    struct demo_file file; /* of /gzip */
    int64_t count;         /* lines, rows or bytes */
    int64_t members;
    int level, memory_level; /* of zlib */
    size_t piece;            /* compressed bytes to give at a time */
    /* Make plain bytes from *at on, and move *at past them. */
    size_t (*make)(const struct packed_args *args, int64_t *at, int64_t end, char plain[PLAIN],
                   const char **bytes);
    /* Where the index-th of `members` begins. */
    int64_t (*begins)(const struct packed_args *args, int64_t index);
};

/* The buffers of a gzip body: plain bytes in, compressed bytes out. */
struct packed_work {
    z_stream zlib;
    size_t packed_len;
    char packed[PACKED], plain[PLAIN];
};

static size_t make_file(const struct packed_args *args, int64_t *at, int64_t end, char plain[PLAIN],
                        const char **bytes)
{
    size_t len = demo_bytes(&args->file, *at, end, plain, PLAIN, bytes);
    *at += (int64_t)len;
    return len;
}

static int64_t file_begins(const struct packed_args *args, int64_t index)
{
    return demo_offset(&args->file, args->count * index / args->members + 1);
}

static size_t make_rows(const struct packed_args *args, int64_t *at, int64_t end, char plain[PLAIN],
                        const char **bytes)
{
    size_t len = 0;
    (void)args;
    for (; *at < end && len + DEMO_EVENT_MAX <= PLAIN; (*at)++) {
        len += demo_row(1, *at, plain + len);
    }
    *bytes = plain;
    return len;
}

static size_t make_zeros(const struct packed_args *args, int64_t *at, int64_t end,
                         char plain[PLAIN], const char **bytes)
{
    size_t len = (size_t)DEMO_MIN(end - *at, (int64_t)PLAIN);
    (void)args;
    memset(plain, 0, len);
    *at += (int64_t)len;
    *bytes = plain;
    return len;
}

static int64_t even_begins(const struct packed_args *args, int64_t index)
{
    return args->count * index / args->members;
}

/* Compressing takes time, so other clients get a turn after each piece. */
static bool give_packed(weir_gen *self, struct packed_work *work)
{
    weir_item item = weir_bytes(work->packed, work->packed_len);
    work->packed_len = 0;
    return item.len == 0 || (weir_yield(self, &item) && weir_sleep(weir_gen_scope(self), 0));
}

/* Write one member with what is from `at` up to `end`. False: the reader has left. */
static bool give_member(weir_gen *self, const struct packed_args *args, struct packed_work *work,
                        int64_t at, int64_t end)
{
    z_stream *z = &work->zlib;
    for (int rc = Z_OK; rc != Z_STREAM_END;) {
        if (z->avail_in == 0 && at < end) {
            const char *bytes;
            z->avail_in = (uInt)args->make(args, &at, end, work->plain, &bytes);
            z->next_in = (const Bytef *)bytes;
        }
        z->next_out = (Bytef *)work->packed + work->packed_len;
        z->avail_out = (uInt)(args->piece - work->packed_len);
        rc = deflate(z, at == end ? Z_FINISH : Z_NO_FLUSH);
        work->packed_len = args->piece - z->avail_out;
        if ((rc == Z_STREAM_END || z->avail_out == 0) && !give_packed(self, work)) {
            return false;
        }
    }
    return true;
}

/* A window of 4 KiB is enough, because neighboring lines are similar, and a thousand clients need
 * little memory. deflate allocates only here, and cannot fail later. */
static int begin_gzip(z_stream *z, int level, int memory_level)
{
    enum { WINDOW_BITS = 12, GZIP_WRAPPER = 16 };
    memset(z, 0, sizeof *z);
    return deflateInit2(z, level, Z_DEFLATED, WINDOW_BITS + GZIP_WRAPPER, memory_level,
                        Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : WEIR_ENOMEM;
}

WEIR_SOURCE(demo_packed, struct packed_args)
{
    struct packed_work *work = malloc(sizeof *work);
    int rc = work != NULL ? begin_gzip(&work->zlib, args->level, args->memory_level) : WEIR_ENOMEM;
    if (rc < 0) {
        free(work);
        return weir_fail(self, rc, "no memory to compress with");
    }
    work->packed_len = 0;
    for (int64_t i = 0; i < args->members; i++) {
        if (!give_member(self, args, work, args->begins(args, i), args->begins(args, i + 1))) {
            break;
        }
        (void)deflateReset(&work->zlib);
    }
    (void)deflateEnd(&work->zlib);
    free(work);
    return 0;
}

static weir_gen *serve(weir_scope *scope, const struct packed_args *args)
{
    weir_gen_options options = {.struct_size = sizeof options, .name = "demo_packed"};
    return weir_gen_new(scope, demo_packed_enter, args, sizeof *args, &options);
}

/* args are on the heap: the table of the file is large for a coroutine's stack. */
static weir_gen *serve_file(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            struct packed_args *args)
{
    char members[32];
    args->members = weir_request_number(request, "members", 1);
    if (args->members < 1 || args->members > DEMO_MEMBERS_MAX) {
        return weir_reply_refuse(reply, 400, "members: 1 to %d", (int)DEMO_MEMBERS_MAX);
    }
    if (!demo_asked_file(request, reply, &args->file)) {
        return NULL;
    }
    args->count = args->file.lines;
    args->make = make_file;
    args->begins = file_begins;
    args->level = Z_BEST_SPEED;
    args->memory_level = 5;
    args->piece = PACKED;
    snprintf(members, sizeof members, "-gzip-%" PRId64, args->members);
    demo_set_etag(reply, &args->file, members);
    weir_reply_header(reply, "Content-Encoding", "gzip");
    return serve(scope, args);
}

weir_gen *demo_on_gzip(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    struct packed_args *args = calloc(1, sizeof *args);
    ((struct demo_control *)ctx)->counts[DEMO_GZIP].requests++;
    if (args == NULL) {
        return weir_reply_refuse(reply, 503, "out of memory");
    }
    weir_gen *gen = serve_file(scope, request, reply, args);
    free(args);
    return gen;
}

/* Serve a file that is gzip; coded=1: as a content coding. */
static weir_gen *serve_made(weir_scope *scope, const weir_request *request, weir_reply *reply,
                            const char *name, struct packed_args *args)
{
    char etag[64];
    bool coded = weir_request_number(request, "coded", 0) != 0;
    args->members = 1;
    args->begins = even_begins;
    snprintf(etag, sizeof etag, "%s-%" PRId64 "-%d", name, args->count, (int)coded);
    weir_reply_etag(reply, etag);
    weir_reply_body(reply, WEIR_BODY_BYTES);
    if (coded) {
        weir_reply_header(reply, "Content-Encoding", "gzip");
    } else {
        weir_reply_type(reply, "application/gzip");
    }
    return serve(scope, args);
}

weir_gen *demo_on_csv(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    int64_t rows = weir_request_number(request, "n", 1000);
    ((struct demo_control *)ctx)->counts[DEMO_CSV].requests++;
    if (rows < 0 || rows > DEMO_LINES_MAX) {
        return weir_reply_refuse(reply, 400, "n: at most %" PRId64 " rows", DEMO_LINES_MAX);
    }
    struct packed_args args = {.count = rows + 1,
                               .make = make_rows,
                               .level = Z_BEST_SPEED,
                               .memory_level = 5,
                               .piece = PACKED};
    return serve_made(scope, request, reply, "csv", &args);
}

/* A high memory level makes long blocks: 1029 zeros to a byte, where 1032 is what gzip can do. Small
 * pieces: 1 MiB of zeros goes into one. */
weir_gen *demo_on_bomb(weir_scope *scope, const weir_request *request, weir_reply *reply, void *ctx)
{
    int64_t bytes = weir_request_number(request, "size", INT64_C(1) << 30);
    ((struct demo_control *)ctx)->counts[DEMO_BOMB].requests++;
    if (bytes < 0 || bytes > DEMO_LINES_MAX) {
        return weir_reply_refuse(reply, 400, "size: at most %" PRId64 " bytes", DEMO_LINES_MAX);
    }
    struct packed_args args = {.count = bytes,
                               .make = make_zeros,
                               .level = Z_DEFAULT_COMPRESSION,
                               .memory_level = 9,
                               .piece = 1024};
    return serve_made(scope, request, reply, "bomb", &args);
}
