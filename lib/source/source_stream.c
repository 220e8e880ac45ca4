/*
 * source_stream.c - lines of files, descriptors and sockets: weir_file_lines, weir_fd_lines, weir_socket_lines.
 *
 * Fresh -> open (the first pull opens or connects) -> over. The reading task receives straight into the line reader's block
 * with non-blocking calls and waits only when there is nothing: a reader that does not pull does not read, and the peer's
 * sends stop. A source that never has to wait lets the other tasks have a turn after each TURN_BYTES. Regular files are read
 * with read(2) from the page cache; they can resume: the position is the offset behind a line, the validator says which file
 * it is (device, inode and a hash of its first bytes).
 */
#include <weir/source.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_fault.h"
#include "flow_state.h"
#include "loop_transport.h"
#include "source_lines.h"

enum { TURN_BYTES = 1024 * 1024, IDENTITY_BYTES = 256 };

enum stream_kind { STREAM_FILE, STREAM_FD, STREAM_SOCKET };

struct source_stream {
    struct weir_gen gen;
    struct wr_line_reader reader;
    enum stream_kind kind;
    bool opened, waits, finished;
    int fd;                         /* of a file being read; -1 */
    struct wr_transport *transport; /* of everything that can wait */
    int64_t connect_ms, stall_ms;
    int64_t line_bytes_max;
    int32_t overlong;
    size_t turn_bytes; /* read since the task last waited */
    struct weir_state *state;
    struct wr_state_slot *slot;
    char address[];
};

static int stream_error(struct source_stream *stream, int code, int detail, const char *what)
{
    size_t rest = wr_lines_pending(&stream->reader);
    char unfinished[64] = "";
    if (rest > 0) {
        snprintf(unfinished, sizeof unfinished, "; an unfinished line of %zu bytes is not given", rest);
    }
    return wr_gen_fail(&stream->gen, code, detail, (int64_t)stream->reader.given_end, "%s: %s%s%s%s", stream->address,
                       what, detail != 0 ? ": " : "", detail != 0 ? strerror(detail) : "", unfinished);
}

/* ---- opening */

/* Which file this is: device, inode, a hash of its first bytes. */
static void file_identity(int fd, const struct stat *st, char *text, size_t cap)
{
    unsigned char head[IDENTITY_BYTES];
    uint64_t hash = 1469598103934665603u;
    ssize_t n = pread(fd, head, sizeof head, 0);
    for (ssize_t i = 0; i < n; i++) {
        hash = (hash ^ head[i]) * 1099511628211u;
    }
    snprintf(text, cap, "file %llx:%llx %zd %016llx", (unsigned long long)st->st_dev, (unsigned long long)st->st_ino, n,
             (unsigned long long)hash);
}

/* The stored identity names a file that may have grown since: its first bytes are compared over their old length. */
static bool same_file(int fd, const struct stat *st, const char *stored)
{
    char now[WR_STATE_VALIDATOR_MAX];
    unsigned long long dev, ino, hash;
    long head;
    file_identity(fd, st, now, sizeof now);
    if (strcmp(now, stored) == 0) {
        return true;
    }
    if (sscanf(stored, "file %llx:%llx %ld %llx", &dev, &ino, &head, &hash) != 4 || dev != st->st_dev ||
        ino != st->st_ino || head < 0 || head >= IDENTITY_BYTES) {
        return false;
    }
    unsigned char bytes[IDENTITY_BYTES];
    uint64_t again = 1469598103934665603u;
    if (pread(fd, bytes, (size_t)head, 0) != head) {
        return false;
    }
    for (long i = 0; i < head; i++) {
        again = (again ^ bytes[i]) * 1099511628211u;
    }
    return again == hash;
}

static int resume_file(struct source_stream *stream, const struct stat *st, uint64_t *offset)
{
    weir_error error;
    char identity[WR_STATE_VALIDATOR_MAX];
    int rc = wr_state_attach_source(stream->state, stream->address, stream->gen.origin, &stream->slot, &error);
    if (rc < 0) {
        return wr_gen_fail_error(&stream->gen, &error);
    }
    struct wr_state_slot *slot = stream->slot;
    if (slot->stored) {
        if (!same_file(stream->fd, st, slot->validator) || (uint64_t)st->st_size < slot->offset) {
            return wr_gen_fail(&stream->gen, WEIR_ECHANGED, 0, (int64_t)slot->offset,
                               "%s is not the file that the state was saved for, or is shorter than what was read of it; "
                               "to begin anew remove the state",
                               stream->address);
        }
        *offset = slot->offset;
        if (lseek(stream->fd, (off_t)*offset, SEEK_SET) < 0) {
            return stream_error(stream, WEIR_EIO, errno, "cannot go on where it was");
        }
    }
    file_identity(stream->fd, st, identity, sizeof identity);
    wr_state_set_validator(stream->state, slot, identity);
    stream->reader.keep_ends = true;
    return wr_origin_keep_ends(stream->gen.origin, *offset);
}

/* One that cannot resume says so: nothing is saved then. */
static int attach_lossy(struct source_stream *stream)
{
    weir_error error;
    int rc = wr_state_attach_source(stream->state, stream->address, stream->gen.origin, &stream->slot, &error);
    if (rc < 0) {
        return wr_gen_fail_error(&stream->gen, &error);
    }
    wr_state_set_validator(stream->state, stream->slot, NULL);
    return 0;
}

static int open_file(struct source_stream *stream, uint64_t *offset)
{
    struct stat st;
    stream->fd = wr_fault("open") ? (errno = EMFILE, -1) : open(stream->address, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (stream->fd < 0 || fstat(stream->fd, &st) < 0) {
        return stream_error(stream, WEIR_EIO, errno, "cannot open");
    }
    if (S_ISDIR(st.st_mode)) {
        return stream_error(stream, WEIR_EIO, EISDIR, "cannot read");
    }
    if (S_ISREG(st.st_mode)) {
        return stream->state != NULL ? resume_file(stream, &st, offset) : 0;
    }
    weir_error error;
    int fd = stream->fd;
    stream->fd = -1;
    stream->transport = wr_fd_transport(stream->gen.loop, fd, WR_FD_OWN, &error);
    if (stream->transport == NULL) {
        return wr_gen_fail_error(&stream->gen, &error);
    }
    return stream->state != NULL ? attach_lossy(stream) : 0;
}

static int stream_open(struct source_stream *stream)
{
    weir_error error;
    uint64_t offset = 0;
    struct weir_loop *loop = stream->gen.loop;
    int rc = 0;
    stream->opened = true;
    switch (stream->kind) {
    case STREAM_FILE:
        rc = open_file(stream, &offset);
        break;
    case STREAM_FD:
        stream->transport = wr_fd_transport(loop, stream->fd, WR_FD_BORROW, &error);
        stream->fd = -1;
        rc = stream->transport == NULL ? wr_gen_fail_error(&stream->gen, &error) : 0;
        break;
    case STREAM_SOCKET:
        stream->transport = wr_connect(loop, stream->address, stream->connect_ms, &stream->gen.object, &error);
        rc = stream->transport == NULL ? wr_gen_fail_error(&stream->gen, &error) : 0;
        loop->stats.connects += rc == 0;
        break;
    }
    if (rc == 0 && stream->kind != STREAM_FILE && stream->state != NULL) {
        rc = attach_lossy(stream);
    }
    bool keep_ends = stream->reader.keep_ends;
    wr_lines_reader_init(&stream->reader, loop, stream->line_bytes_max, stream->overlong, offset);
    stream->reader.keep_ends = keep_ends;
    return rc;
}

/* ---- reading */

/* Room for the next bytes; waits for the budget while others hold it. */
static int stream_room(struct source_stream *stream, char **to, size_t *room)
{
    for (;;) {
        int rc = wr_lines_room(&stream->reader, to, room);
        if (rc != WEIR_EBUDGET) {
            return rc < 0 ? wr_gen_fail(&stream->gen, rc, 0, -1, "%s: no memory to read into", stream->address) : 0;
        }
        if (wr_lines_stuck(&stream->reader)) {
            return wr_gen_fail(&stream->gen, WEIR_EBUDGET, 0, (int64_t)stream->reader.given_end,
                               "%s: a line does not fit into the loop's byte budget", stream->address);
        }
        rc = wr_budget_wait(stream->gen.loop, &stream->gen.object);
        if (rc < 0) {
            return wr_gen_fail(&stream->gen, rc, 0, -1, "%s", wr_code_text(rc));
        }
    }
}

static int64_t stream_read(struct source_stream *stream, char *to, size_t room)
{
    if (stream->transport != NULL) {
        return stream->transport->ops->read(stream->transport, to, room);
    }
    ssize_t n;
    do {
        n = wr_fault("read") ? (errno = EIO, -1) : read(stream->fd, to, room);
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : WEIR_EIO;
}

/* Nothing there: wait. 0 or the failure that was set. */
static int stream_wait(struct source_stream *stream)
{
    struct wr_transport *transport = stream->transport;
    wr_lines_came(&stream->reader, 0);
    stream->turn_bytes = 0;
    stream->waits = true;
    int rc = transport->ops->wait(transport, WR_READABLE, stream->stall_ms > 0 ? stream->stall_ms : -1, "data",
                                  &stream->gen.object);
    stream->waits = false;
    if (rc == WEIR_ETIMEDOUT) {
        return stream_error(stream, rc, 0, "the peer has sent nothing for longer than stall_ms allows");
    }
    return rc < 0 ? wr_gen_fail(&stream->gen, rc, 0, (int64_t)stream->reader.given_end, "%s", wr_code_text(rc)) : 0;
}

/* More bytes, or the end, are in the reader. 0 or a failure that was set. */
static int stream_fill(struct source_stream *stream)
{
    char *to;
    size_t room;
    int rc = stream_room(stream, &to, &room);
    if (rc < 0) {
        return rc;
    }
    int64_t got = stream_read(stream, to, room);
    if (got == WR_AGAIN) {
        return stream_wait(stream);
    }
    if (got < 0) {
        int detail = stream->transport != NULL ? stream->transport->detail : errno;
        return stream_error(stream, (int)got, detail, "reading failed");
    }
    if (got == 0) {
        wr_lines_end(&stream->reader);
        return 0;
    }
    wr_lines_came(&stream->reader, (size_t)got);
    stream->gen.loop->stats.bytes_in += (uint64_t)got;
    stream->turn_bytes += (size_t)got;
    if (stream->turn_bytes >= TURN_BYTES) {
        stream->turn_bytes = 0;
        rc = wr_pause(stream->gen.loop);
        if (rc < 0) {
            return wr_gen_fail(&stream->gen, rc, 0, (int64_t)stream->reader.given_end, "%s", wr_code_text(rc));
        }
    }
    return 0;
}

static size_t stream_next_many(struct weir_gen *gen, weir_item *items, size_t max)
{
    struct source_stream *stream = WR_OWNER(gen, struct source_stream, gen);
    if (!stream->opened && stream_open(stream) < 0) {
        return 0;
    }
    wr_lines_over_loan(&stream->reader);
    for (;;) {
        bool over = false;
        size_t n = wr_lines_take(&stream->reader, gen, items, max, &over);
        if (n > 0) {
            return n;
        }
        if (over) {
            stream->finished = gen->failure == NULL;
            return 0;
        }
        if (gen->stopping || stream_fill(stream) < 0) {
            return 0;
        }
    }
}

static void stream_close(struct weir_gen *gen)
{
    struct source_stream *stream = WR_OWNER(gen, struct source_stream, gen);
    if (stream->slot != NULL) {
        wr_state_detach_source(stream->state, stream->slot, stream->finished);
    }
    if (stream->transport != NULL) {
        stream->transport->ops->free(stream->transport);
        stream->transport = NULL;
    }
    if (stream->fd >= 0 && stream->kind == STREAM_FILE) {
        close(stream->fd);
    }
    stream->fd = -1;
    if (stream->opened) {
        wr_lines_reader_fini(&stream->reader);
    }
}

static void stream_abort(struct weir_gen *gen, int code)
{
    struct source_stream *stream = WR_OWNER(gen, struct source_stream, gen);
    if (stream->waits && stream->transport != NULL) {
        stream->transport->ops->abort(stream->transport, code);
    }
}

/* The wait ends without data; what is complete has been given already. */
static void stream_stop(struct weir_gen *gen)
{
    struct source_stream *stream = WR_OWNER(gen, struct source_stream, gen);
    if (stream->waits && stream->transport != NULL) {
        stream->transport->ops->abort(stream->transport, 1);
    }
}

static size_t stream_why(const struct weir_gen *gen, char *text, size_t cap)
{
    const struct source_stream *stream = WR_OWNER((uintptr_t)gen, struct source_stream, gen);
    int n = snprintf(text, cap, stream->waits    ? "waits for data"
                                : stream->opened ? "is read as fast as its reader asks"
                                                 : "is not open yet");
    return n > 0 ? (size_t)n : 0;
}

static const struct wr_gen_ops stream_ops = {.kind = "stream",
                                             .next_many = stream_next_many,
                                             .close = stream_close,
                                             .stop = stream_stop,
                                             .abort = stream_abort,
                                             .why = stream_why,
                                             .is_source = true};

static struct source_stream *stream_new(weir_scope *scope, enum stream_kind kind, const char *address)
{
    char name[32];
    const char *tail = strrchr(address, '/');
    snprintf(name, sizeof name, "%s", kind == STREAM_FILE && tail != NULL && tail[1] != '\0' ? tail + 1 : address);
    size_t len = strlen(address) + 1;
    struct source_stream *stream = wr_gen_alloc(scope, sizeof *stream + len, &stream_ops, name);
    if (stream != NULL) {
        stream->kind = kind;
        stream->fd = -1;
        stream->connect_ms = 10000;
        memcpy(stream->address, address, len);
    }
    return stream;
}

static void take_lines_options(struct source_stream *stream, const weir_lines_options *options)
{
    weir_lines_options o = WEIR_ZERO;
    if (stream == NULL || options == NULL) {
        return;
    }
    memcpy(&o, options, WR_MIN(options->struct_size, sizeof o));
    stream->line_bytes_max = o.line_bytes_max;
    stream->overlong = o.overlong;
    stream->state = o.state;
}

weir_gen *weir_file_lines(weir_scope *scope, const char *path, const weir_lines_options *options)
{
    struct source_stream *stream = stream_new(scope, STREAM_FILE, path);
    take_lines_options(stream, options);
    return wr_gen_made(stream != NULL ? &stream->gen : NULL, NULL);
}

weir_gen *weir_fd_lines(weir_scope *scope, int fd, const weir_lines_options *options)
{
    char name[32];
    snprintf(name, sizeof name, fd == 0 ? "stdin" : "fd %d", fd);
    struct source_stream *stream = stream_new(scope, STREAM_FD, name);
    take_lines_options(stream, options);
    if (stream != NULL) {
        stream->fd = fd;
    }
    return wr_gen_made(stream != NULL ? &stream->gen : NULL, NULL);
}

weir_gen *weir_socket_lines(weir_scope *scope, const char *address, const weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    if (options != NULL) {
        memcpy(&o, options, WR_MIN(options->struct_size, sizeof o));
    }
    struct source_stream *stream = stream_new(scope, STREAM_SOCKET, address);
    if (stream != NULL) {
        stream->connect_ms = o.connect_ms == 0 ? 10000 : o.connect_ms;
        stream->stall_ms = o.stall_ms;
        stream->line_bytes_max = o.line_bytes_max;
        stream->overlong = o.overlong;
    }
    return wr_gen_made(stream != NULL ? &stream->gen : NULL, NULL);
}
