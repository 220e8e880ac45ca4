/*
 * source_file.c - items of a file; with a state, from where the last run stopped.
 *
 * The first pull opens it. A regular file can be resumed: its position is the offset after the last
 * settled line. Its validator is the device, the inode and a hash of its first bytes, up to HASHED.
 * The number of hashed bytes is part of the validator, so that a file may grow. A different file,
 * or a file that is shorter than the position, is WEIR_ECHANGED: to continue would skip lines that
 * were never read. Any other kind of file is read without resuming. A fifo is waited for before the
 * first read, because a read without a writer looks like the end.
 *
 * source_stream.c describes how it is read, and what may happen between two suspensions.
 */
#include <weir/module.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_hash.h"
#include "codec_address.h"
#include "codec_secret.h"
#include "loop_file.h"
#include "source_opening.h"
#include "source_stream.h"

enum { HASHED = 256 };

static int fail_io(struct wr_stream_source *stream, const char *what, int number)
{
    char meant[160] = "", shown[400];
    bool address =
        number == ENOENT && wr_address_meant(wr_text_of(stream->where), meant, sizeof meant);
    snprintf(shown, sizeof shown, "%s", stream->where);
    wr_secret_star(shown); /* it may be an address that was mistyped */
    wr_secret_star(meant);
    return wr_gen_fail(&stream->gen, WEIR_EIO, number, -1, "%s '%s': %s%s%s%s", what, shown,
                       strerror(number), address ? "; did you mean " : "", meant,
                       address ? "?" : "");
}

/* Set *size and the validator from the first `hashed` bytes, or fewer at the end. 0 or errno. */
static int identify(const struct wr_disk *disk, int fd, size_t hashed, char *validator, size_t cap,
                    int64_t *size)
{
    unsigned char head[HASHED];
    struct stat info;
    ssize_t n = -1;
    if (disk->stat(fd, &info) == 0) {
        n = disk->read(fd, head, WR_MIN(hashed, sizeof head), 0);
    }
    if (n < 0) {
        return errno;
    }
    snprintf(validator, cap, "device %" PRIx64 " inode %" PRIu64 " head %016" PRIx64 "/%zd",
             (uint64_t)info.st_dev, (uint64_t)info.st_ino, wr_hash(head, (size_t)n), n);
    *size = info.st_size;
    return 0;
}

/* The number of bytes that the stored validator's hash covers. */
static size_t hashed_by(const char *validator)
{
    const char *slash = strrchr(validator, '/');
    return slash != NULL ? (size_t)strtoul(slash + 1, NULL, 10) : 0;
}

/* Is it the file of the last run, and not shorter? 0, or a code with the failure set. */
static int check_stored(struct wr_stream_source *stream, int fd, struct wr_offset *start)
{
    weir_error error;
    char validator[WR_STATE_VALIDATOR_MAX];
    int64_t size = 0;
    if (!wr_offset_read(start, stream->slot->stored)) {
        (void)wr_state_bad_position(stream->slot, &error);
        return wr_stream_fail(stream, &error);
    }
    uint64_t offset = start->end & ~WR_END_FLAGS;
    int number = identify(stream->gen.loop->disk, fd, hashed_by(start->validator), validator,
                          sizeof validator, &size);
    if (number != 0) {
        return fail_io(stream, "stat", number);
    }
    if (strcmp(validator, start->validator) != 0) {
        return wr_gen_fail(&stream->gen, WEIR_ECHANGED, 0, (int64_t)offset,
                           "'%s' is a different file than in the last run", stream->where);
    }
    if ((uint64_t)size < offset) {
        return wr_gen_fail(&stream->gen, WEIR_ECHANGED, 0, (int64_t)offset,
                           "'%s' has %" PRId64 " bytes, but the last run has read %" PRIu64,
                           stream->where, size, offset);
    }
    return 0;
}

static int resume(struct wr_stream_source *stream, int fd)
{
    struct wr_offset start = {.end = (uint64_t)stream->begin_at};
    int64_t size;
    weir_error error;
    int rc = stream->slot->stored != NULL ? check_stored(stream, fd, &start) : 0;
    if (rc < 0) {
        return rc;
    }
    if (!wr_inbox_resume_at(&stream->inbox, &start)) {
        (void)wr_state_bad_position(stream->slot, &error);
        return wr_stream_fail(stream, &error);
    }
    int number = identify(stream->gen.loop->disk, fd, HASHED, start.validator,
                          sizeof start.validator, &size);
    if (number != 0) {
        return fail_io(stream, "stat", number);
    }
    struct wr_offsets *offsets = wr_offsets_keep(stream->gen.origin, &start);
    if (offsets == NULL) {
        return wr_gen_fail(&stream->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
    }
    wr_state_prove(stream->slot, WR_PROOF_EXACT);
    wr_inbox_keep_ends(&stream->inbox, offsets);
    if ((start.end & WR_END_HALF) != 0) {
        wr_inbox_end(&stream->inbox); /* the state has checked that the file still ends there */
    }
    return 0;
}

/* A wr_state_still function. */
static bool still_ends(struct weir_state *state, const char *path, const char *position)
{
    struct wr_offset at;
    struct stat info;
    if (!wr_offset_read(&at, position) || (at.end & WR_END_HALF) == 0) {
        return true;
    }
    return wr_state_disk(state)->stat_path(path, &info) == 0 &&
           (uint64_t)info.st_size == (at.end & ~WR_END_FLAGS) + at.half;
}

/* Items know where they are: with a state they do anyway. */
static int keep_places(struct wr_stream_source *stream)
{
    static const struct wr_offset start = {.end = 0};
    bool kept = wr_origin_set_path(stream->gen.origin, stream->where) == 0;
    if (kept && stream->state == NULL) {
        kept = wr_offsets_keep(stream->gen.origin, &start) != NULL;
        wr_inbox_keep_ends(&stream->inbox, NULL);
    }
    return kept ? 0 : wr_gen_fail(&stream->gen, WEIR_ENOMEM, 0, -1, "no memory for positions");
}

static int attach(struct wr_stream_source *stream, int fd, const struct stat *info)
{
    weir_error error;
    if (stream->places && S_ISREG(info->st_mode) && keep_places(stream) < 0) {
        return WEIR_ENOMEM;
    }
    if (stream->state == NULL) {
        struct wr_offset start = {.end = (uint64_t)stream->begin_at};
        return S_ISREG(info->st_mode) && stream->begin_at > 0 &&
                       !wr_inbox_resume_at(&stream->inbox, &start)
                   ? wr_gen_fail(&stream->gen, WEIR_EINVAL, 0, -1,
                                 "'%s' can be read only from its beginning", stream->where)
                   : 0;
    }
    if (!S_ISREG(info->st_mode)) {
        return wr_stream_lossy(stream, stream->where);
    }
    if (wr_state_attach_source(stream->state, stream->where, stream->gen.origin, &stream->slot,
                               &error) < 0) {
        return wr_stream_fail(stream, &error);
    }
    return resume(stream, fd);
}

/* The place where a first run begins. */
static int check_begin(struct wr_stream_source *stream, const struct stat *info)
{
    if (stream->begin_at == 0) {
        return 0;
    }
    if (stream->begin_at < 0 || !S_ISREG(info->st_mode)) {
        return wr_gen_fail(&stream->gen, WEIR_EINVAL, 0, -1, "'%s' %s", stream->where,
                           stream->begin_at < 0 ? "cannot begin before its first byte"
                                                : "is no regular file, and has no offsets");
    }
    return stream->begin_at <= info->st_size
               ? 0
               : wr_gen_fail(&stream->gen, WEIR_EINVAL, 0, -1,
                             "'%s' has %" PRId64 " bytes, and cannot begin at byte %" PRId64,
                             stream->where, (int64_t)info->st_size, stream->begin_at);
}

static int file_open(struct wr_stream_source *stream)
{
    weir_error error;
    struct stat info;
    const struct wr_disk *disk = stream->gen.loop->disk;
    /* Without O_NONBLOCK, open would block the loop until a fifo has a writer. */
    int fd = disk->open(AT_FDCWD, stream->where, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return fail_io(stream, "open", errno);
    }
    int rc = disk->stat(fd, &info) < 0 ? fail_io(stream, "stat", errno) : 0;
    if (rc == 0 && S_ISDIR(info.st_mode)) {
        rc = wr_gen_fail(&stream->gen, WEIR_EIO, EISDIR, -1, "'%s' is a folder, not a file",
                         stream->where);
    }
    rc = rc == 0 ? check_begin(stream, &info) : rc;
    rc = rc == 0 ? attach(stream, fd, &info) : rc;
    if (rc < 0) {
        (void)disk->close(fd);
        return rc;
    }
    wr_stream_opened(stream, fd);
    stream->wait_first = S_ISFIFO(info.st_mode);
    stream->transport =
        S_ISREG(info.st_mode)
            ? wr_file_transport(stream->gen.loop, fd, (int64_t)stream->inbox.given_end, &error)
            : wr_fd_transport(stream->gen.loop, fd, WR_FD_OWN, &error);
    return stream->transport != NULL ? 0 : wr_stream_fail(stream, &error);
}

static weir_gen *file_make(weir_scope *scope, const char *path, int32_t frame,
                           const weir_lines_options *options)
{
    struct wr_stream_source *stream =
        wr_stream_source_alloc(scope, "file", file_open, path, frame, options);
    if (stream != NULL && path == NULL) {
        wr_gen_fail(&stream->gen, WEIR_EINVAL, 0, -1, "a file source needs a path");
    } else if (stream != NULL && stream->where != NULL && stream->state != NULL) {
        stream->before = wr_state_expect_source(stream->state, stream->where, still_ends);
    }
    return wr_gen_made(stream != NULL ? &stream->gen : NULL, NULL);
}

weir_gen *weir_file_lines(weir_scope *scope, const char *path, const weir_lines_options *options)
{
    return file_make(scope, path, WEIR_FRAME_LINES, options);
}

weir_gen *weir_file_bytes(weir_scope *scope, const char *path, const weir_lines_options *options)
{
    return file_make(scope, path, WEIR_FRAME_NONE, options);
}

struct file_args {
    const char *path;
};

static weir_gen *file_read(const weir_opening *opening, weir_gen *up, const void *args)
{
    weir_lines_options lines = wr_lines_of_opening(opening);
    const char *path = ((const struct file_args *)args)->path;
    (void)up;
    weir_gen *gen = opening->joined ? weir_file_bytes(opening->scope, path, &lines)
                                    : weir_file_lines(opening->scope, path, &lines);
    if (gen != &wr_gen_no_memory) {
        WR_OWNER(gen, struct wr_stream_source, gen)->places = opening->meta != 0;
    }
    return gen;
}

static const char *const file_metas[] = {"path", "offset", NULL};

static const char *const file_schemes[] = {"/", NULL};
static const weir_arg file_args[] = {
    WEIR_ARG_PATH(struct file_args, path, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "quoted when it has spaces"),
};

const weir_component wr_component_file = {
    .struct_size = sizeof wr_component_file,
    .name = "file",
    .schemes = file_schemes,
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_RESUMES | WEIR_TRAIT_PROVES,
    .args = file_args,
    .args_count = sizeof file_args / sizeof file_args[0],
    .args_size = sizeof(struct file_args),
    .help = "The lines of a file, to its end; $meta.path and $meta.offset are the file of a line "
            "and where it begins there.",
    .begins = WEIR_BEGIN_BEGINNING | WEIR_BEGIN_OFFSET,
    .example = "./access.log | grep \"GET\"",
    .condition = "the input is a regular file",
    .open = file_read,
    .meta = file_metas,
};
