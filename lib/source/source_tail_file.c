/*
 * source_tail_file.c - one file of a tail: read to its end, again and again.
 *
 * A file has one part (an origin and a slot of the state) for its content. When the file is cut, or
 * written anew, the old part is over and a new one begins at offset 0, since the numbers of a part
 * never decrease.
 *
 * Only the file whose turn it is has bytes in memory. When its turn ends, an unfinished item is
 * dropped and read again later. So a thousand files with half a line each need no blocks.
 *
 * Each read is followed by a look at the last bytes that were read before it: if they are not there
 * any more, the file was cut and may have grown again, and the new bytes are the beginning of
 * something else. A file of the same size is recognised in the same way.
 *
 * States: more (there may be bytes), idle, gone (no path leads to it; it is read as long as it
 * grows), ends (the rest is given, then it is freed). Between two suspensions nothing is lent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "base_print.h"
#include "source_tail.h"

static int fail(struct wr_tail *tail, const weir_error *error)
{
    return wr_gen_fail(&tail->gen, error->code, error->detail, error->offset, "%s", error->message);
}

static int no_memory(struct wr_tail *tail, const char *what)
{
    return wr_gen_fail(&tail->gen, WEIR_ENOMEM, 0, -1, "no memory for %s", what);
}

/* ---- what it is */

int wr_tail_identify(struct wr_tail *tail, int fd, size_t hashed, struct wr_tail_id *id,
                     int64_t *size)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    struct stat info;
    ssize_t n = -1;
    if (disk->stat(fd, &info) == 0) {
        n = disk->read(fd, tail->scratch, WR_MIN(hashed, (size_t)WR_TAIL_HEAD), 0);
    }
    if (n < 0) {
        return errno;
    }
    *id = (struct wr_tail_id){.device = (uint64_t)info.st_dev,
                              .inode = (uint64_t)info.st_ino,
                              .head = wr_hash(tail->scratch, (size_t)n),
                              .head_len = (size_t)n};
    *size = info.st_size;
    return 0;
}

int wr_tail_identify_found(struct wr_tail *tail, struct wr_tail_found *found, size_t hashed,
                           int64_t *size)
{
    if (found->coding == NULL) {
        return wr_tail_identify(tail, found->fd, hashed, &found->id, size);
    }
    *size = INT64_MAX;
    return wr_tail_packed_identify(tail, found->coding, found->fd, hashed, &found->id);
}

/* "device 801 inode 77 head 5f3a.../1024 file access.log", of a long name its end. */
static void write_validator(const struct wr_tail_file *file, char *to, size_t cap)
{
    enum { NAME_BYTES = 80 };
    const char *name = file->name;
    size_t len = strlen(name);
    snprintf(to, cap, "device %" PRIx64 " inode %" PRIu64 " head %016" PRIx64 "/%zu file %s",
             file->id.device, file->id.inode, file->id.head, file->id.head_len,
             len > NAME_BYTES ? name + len - NAME_BYTES : name);
}

/* n bytes at offset `at` were read: the id covers more of them while it is short. A record that knew
 * nothing of the content is renewed before the first line is given: else a file that is truncated
 * and written anew looks the same to the next run. */
static void grow_id(struct wr_tail *tail, struct wr_tail_file *file, const char *bytes, size_t n,
                    uint64_t at)
{
    struct wr_tail_id *id = &file->id;
    if (id->head_len >= WR_TAIL_HEAD || at > id->head_len || at + n <= id->head_len) {
        return;
    }
    bool was_empty = id->head_len == 0;
    size_t skip = (size_t)(id->head_len - at);
    size_t len = WR_MIN(n - skip, WR_TAIL_HEAD - id->head_len);
    id->head = wr_hash_add(id->head, bytes + skip, len);
    id->head_len += len;
    if (file->offsets != NULL) {
        write_validator(file, file->offsets->now.validator, WR_STATE_VALIDATOR_MAX);
        if (was_empty) {
            tail->unsaved = true;
            if (wr_state_keep_start(file->slot) < 0) {
                (void)no_memory(tail, "positions");
            }
        }
    }
}

int wr_tail_line_start(struct wr_tail *tail, int fd, int64_t size, int64_t count, uint64_t *start)
{
    *start = 0;
    char end = tail->framing.kind == WEIR_FRAME_NUL ? '\0' : '\n';
    int64_t at = size;
    while (at > 0) {
        size_t want = (size_t)WR_MIN(at, (int64_t)sizeof tail->scratch);
        ssize_t n = tail->gen.loop->disk->read(fd, tail->scratch, want, at - (int64_t)want);
        if (n < 0) {
            return errno;
        }
        for (size_t i = (size_t)n; i > 0; i--) {
            if (tail->scratch[i - 1] == end && count-- == 0) {
                *start = (uint64_t)(at - (int64_t)want) + i;
                return 0;
            }
        }
        at -= (int64_t)want;
    }
    return 0;
}

/* ---- its part */

/* The framer cannot begin at this offset. */
static int cannot_begin(struct wr_tail *tail, const struct wr_tail_file *file,
                        const struct wr_state_slot *slot)
{
    weir_error error;
    if (slot != NULL) {
        (void)wr_state_bad_position(slot, &error);
        return fail(tail, &error);
    }
    return wr_gen_fail(
        &tail->gen, WEIR_EINVAL, 0, -1,
        "'%s': a %s cannot be read without the beginning of the file: use from=start", file->path,
        file->inbox.framer.ops->item);
}

/* The bytes before the place where it begins, to recognise later whether the file was cut. */
static void remember_before(struct wr_tail *tail, struct wr_tail_file *file)
{
    size_t want =
        file->packed == NULL ? (size_t)WR_MIN(file->read_at, (uint64_t)WR_TAIL_BEFORE) : 0;
    ssize_t n = want > 0 ? tail->gen.loop->disk->read(file->fd, file->before, want,
                                                      (int64_t)(file->read_at - want))
                         : 0;
    file->before_len = n == (ssize_t)want ? want : 0;
    file->before_at = file->read_at;
}

/* Items know where they are: with a state they do anyway. 0 or WEIR_ENOMEM. */
static int keep_places(const struct wr_tail *tail, struct wr_tail_file *file,
                       const struct wr_offset *start)
{
    if (!tail->places) {
        return 0;
    }
    if (tail->state == NULL) {
        if (wr_offsets_keep(file->origin, start) == NULL) {
            return WEIR_ENOMEM;
        }
        wr_inbox_keep_ends(&file->inbox, NULL);
    }
    return wr_origin_set_path(file->origin, file->path);
}

static int begin_part(struct wr_tail *tail, struct wr_tail_file *file, struct wr_offset *start,
                      struct wr_state_slot *slot)
{
    char label[WR_ORIGIN_NAME];
    weir_error error;
    size_t len = strlen(file->path), room = sizeof label - sizeof "tail(...)";
    snprintf(label, sizeof label, "tail(%s%s)", len > room ? "..." : "",
             len > room ? file->path + len - room : file->path);
    file->offsets = NULL;
    file->before_len = 0;
    if (wr_inbox_init(&file->inbox, &tail->gen, &tail->framing, 0) < 0 ||
        (file->origin = wr_gen_add_origin(&tail->gen, label)) == NULL) {
        return no_memory(tail, "a file");
    }
    file->inbox.origin = file->origin;
    bool lacks_header = tail->framing.header != 0 && start->end > 0 && start->note.len == 0;
    if (lacks_header || !wr_inbox_resume_at(&file->inbox, start)) {
        return cannot_begin(tail, file, slot);
    }
    file->read_at = file->inbox.given_end;
    file->more = true;
    remember_before(tail, file);
    if (keep_places(tail, file, start) < 0) {
        return no_memory(tail, "positions");
    }
    if (tail->state == NULL) {
        return 0;
    }
    write_validator(file, start->validator, WR_STATE_VALIDATOR_MAX);
    file->offsets = wr_offsets_keep(file->origin, start);
    if (file->offsets == NULL) {
        return no_memory(tail, "positions");
    }
    wr_inbox_keep_ends(&file->inbox, file->offsets);
    file->slot = slot;
    if (wr_state_attach_slot(tail->state, &file->slot, tail->name, file->origin, &error) < 0) {
        return fail(tail, &error);
    }
    wr_state_prove(file->slot, WR_PROOF_EXACT);
    if (slot == NULL && wr_state_keep_start(file->slot) < 0) {
        return no_memory(tail, "positions");
    }
    tail->unsaved = tail->unsaved || (slot == NULL && file->id.head_len > 0);
    return 0;
}

/* over: nothing of it is stored once its items have settled. */
static void end_part(struct wr_tail *tail, struct wr_tail_file *file, bool over)
{
    if (file->slot != NULL) {
        wr_state_detach_source(file->slot, over);
    }
    if (file->slot != NULL && over) {
        wr_state_retire(file->slot);
    }
    file->slot = NULL;
    file->offsets = NULL;
    wr_inbox_fini(&file->inbox);
    if (file->origin != NULL && over) {
        wr_origin_leave(file->origin);
        wr_gen_loans_over(&tail->gen);
    }
    file->origin = NULL;
}

static void free_memory(struct wr_tail_file *file)
{
    wr_tail_packed_free(file->packed);
    wr_free(file->path);
    wr_free(file->name);
    wr_free(file->real);
    wr_free(file);
}

struct wr_tail_file *wr_tail_file_new(struct wr_tail *tail, const struct wr_tail_found *found,
                                      struct wr_offset *start, struct wr_state_slot *slot)
{
    const char *name = found->name != NULL ? found->name : wr_tail_base_of(found->path);
    struct wr_tail_file *file = wr_zalloc(sizeof *file);
    if (file == NULL || (file->path = wr_strdup(found->path)) == NULL ||
        (file->name = wr_strdup(name)) == NULL ||
        (found->coding != NULL && (file->packed = wr_tail_packed_new(found->coding)) == NULL) ||
        !wr_grow(&tail->files, sizeof(struct wr_tail_file *), tail->files_count,
                 &tail->files_cap)) {
        if (file != NULL) {
            free_memory(file);
        }
        (void)tail->gen.loop->disk->close(found->fd);
        (void)no_memory(tail, "a file");
        return NULL;
    }
    file->fd = found->fd;
    file->id = found->id;
    file->size = -1;
    tail->files[tail->files_count++] = file;
    return begin_part(tail, file, start, slot) < 0 ? NULL : file;
}

void wr_tail_file_free(struct wr_tail *tail, struct wr_tail_file *file, bool over)
{
    size_t at = 0;
    while (tail->files[at] != file) {
        at++;
    }
    memmove(&tail->files[at], &tail->files[at + 1],
            (tail->files_count - at - 1) * sizeof(struct wr_tail_file *));
    tail->files_count--;
    tail->turn -= tail->turn > at;
    tail->current = tail->current == file ? NULL : tail->current;
    if (over) {
        wr_tail_note_seen(tail, &file->id, file->fd);
    }
    wr_tail_missed_lost(tail, file);
    end_part(tail, file, over);
    (void)tail->gen.loop->disk->close(file->fd);
    free_memory(file);
}

/* ---- reading */

/* Its turn is over: drop an unfinished item, which is read again. */
static void rest(struct wr_tail *tail, struct wr_tail_file *file)
{
    wr_inbox_restart(&file->inbox, file->inbox.given_end);
    file->read_at = file->inbox.given_end;
    tail->current = NULL;
}

/* 1: the bytes that were read last lie in it; 0: they do not; -1: an error of the disk, errno. */
static int compare_before(struct wr_tail *tail, const struct wr_tail_file *file, int fd)
{
    char now[WR_TAIL_BEFORE];
    size_t len = file->before_len;
    if (len == 0) {
        return 1;
    }
    ssize_t n = tail->gen.loop->disk->read(fd, now, len, (int64_t)(file->before_at - len));
    return n < 0 ? -1 : n == (ssize_t)len && memcmp(now, file->before, len) == 0;
}

bool wr_tail_is_same(struct wr_tail *tail, const struct wr_tail_file *file, int fd)
{
    return compare_before(tail, file, fd) > 0;
}

/* n bytes at `at` were read. */
static void remember(struct wr_tail_file *file, const char *bytes, size_t n, uint64_t at)
{
    size_t kept = at == file->before_at && n < WR_TAIL_BEFORE
                      ? WR_MIN(file->before_len, WR_TAIL_BEFORE - n)
                      : 0;
    size_t len = WR_MIN(n, (size_t)WR_TAIL_BEFORE);
    memmove(file->before, file->before + file->before_len - kept, kept);
    memcpy(file->before + kept, bytes + n - len, len);
    file->before_len = kept + len;
    file->before_at = at + n;
}

/* The file was cut: how much of it was not read, as far as that is known. */
static void report_cut(struct wr_tail *tail, const struct wr_tail_file *file, bool copied)
{
    uint64_t given = file->inbox.given_end;
    uint64_t had = WR_MAX(file->before_at, (uint64_t)WR_MAX(file->size, INT64_C(0)));
    if (copied) {
        wr_log(&tail->gen.loop->log, WR_LOG_INFO, tail->gen.name,
               "'%s' was truncated after %" PRIu64 " bytes were read: it is read from its start",
               file->path, given);
    } else if (had > given) {
        wr_log(&tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
               "'%s' was truncated, and no copy of it is found: at least %" PRIu64
               " bytes after byte %" PRIu64 " are lost; it is read from its start",
               file->path, had - given, given);
    } else {
        wr_log(
            &tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
            "'%s' was truncated, and no copy of it is found: what was written after byte %" PRIu64
            ", if anything, is lost; it is read from its start",
            file->path, given);
    }
}

/* Identify a file that was cut. What it has now may be cut again before it is read, so nothing is said
 * of it before (grow_id). */
static void identify_again(struct wr_tail *tail, int fd, const char *path, struct wr_tail_id *id)
{
    int64_t size = 0;
    int number = wr_tail_identify(tail, fd, 0, id, &size);
    if (number != 0) {
        wr_tail_trouble(tail, path, number, "read");
    }
    id->head_len = 0;
    id->head = WR_HASH_BEGIN;
}

static void report_rest(struct wr_tail *tail, const struct wr_tail_file *file, const char *copy,
                        int64_t rest)
{
    char size[40] = "rest is";
    if (rest != INT64_MAX) {
        snprintf(size, sizeof size, "last %" PRId64 " bytes are", rest);
    }
    wr_log(&tail->gen.loop->log, WR_LOG_INFO, tail->gen.name,
           "'%s' was truncated: its %s read from '%s', and then it is read from its start",
           file->path, size, copy);
}

/* Find what else was missed of a file that was cut. */
static void find_others(struct wr_tail *tail, struct wr_tail_file *file, int fd, int64_t copied_ns)
{
    tail->cut_fd = &fd;
    tail->cut_key = 0;
    wr_tail_find_missed(tail, file, copied_ns);
    tail->cut_fd = NULL;
}

/* The rest of a file that was cut is in this copy, which is taken. */
static void go_on_in_copy(struct wr_tail *tail, struct wr_tail_file *file,
                          const struct wr_tail_found *copy)
{
    struct wr_offset start = {.end = 0};
    struct wr_tail_found cut = {.path = file->path, .name = file->name, .fd = file->fd};
    char *path = wr_strdup(copy->path), *old = file->path;
    struct wr_tail_packed *packed = copy->coding != NULL ? wr_tail_packed_new(copy->coding) : NULL;
    if (path == NULL || (copy->coding != NULL && packed == NULL)) {
        wr_free(path);
        wr_tail_packed_free(packed);
        (void)tail->gen.loop->disk->close(copy->fd);
        (void)no_memory(tail, "a file");
        return;
    }
    file->fd = copy->fd;
    file->path = path;
    file->packed = packed;
    file->before_len = packed != NULL ? 0 : file->before_len;
    file->id.device = copy->id.device;
    file->id.inode = copy->id.inode;
    file->gone = file->more = file->ends = true; /* nobody writes to a copy */
    file->drained = false;
    if (file->offsets != NULL) {
        write_validator(file, file->offsets->now.validator, WR_STATE_VALIDATOR_MAX);
        tail->unsaved = true;
    }
    find_others(tail, file, cut.fd, -1);
    identify_again(tail, cut.fd, cut.path, &cut.id);
    struct wr_tail_file *again = wr_tail_file_new(tail, &cut, &start, NULL);
    if (again != NULL) {
        again->round = file->round;
        again->copy_key = tail->cut_key;
        again->copied_ns = WR_MAX(wr_tail_born_ns(tail, file->fd), INT64_C(0));
        again->real = file->real;
        file->real = NULL;
    }
    wr_free(old);
}

/* The file was cut: its rest is read from a copy if there is one, and what it has now from its
 * beginning. */
static void begin_again(struct wr_tail *tail, struct wr_tail_file *file)
{
    struct wr_offset start = {.end = 0};
    struct wr_tail_found copy = {.fd = -1};
    int64_t rest = 0;
    int64_t copied_ns = 0;
    bool copied = wr_tail_find_copy(tail, file, &copy, &rest);
    if (copied && rest > 0) {
        report_rest(tail, file, copy.path, rest);
        go_on_in_copy(tail, file, &copy);
        return;
    }
    if (copied) {
        copied_ns = wr_tail_born_ns(tail, copy.fd);
        wr_tail_note_seen(tail, &copy.id, copy.fd);
        (void)tail->gen.loop->disk->close(copy.fd);
    }
    report_cut(tail, file, copied);
    if (copied) {
        find_others(tail, file, file->fd, copied_ns);
        file->copy_key = tail->cut_key;
    }
    file->copied_ns = WR_MAX(copied_ns, INT64_C(0));
    end_part(tail, file, true);
    identify_again(tail, file->fd, file->path, &file->id);
    file->gave = false;
    (void)begin_part(tail, file, &start, NULL);
}

static void wait_failed(struct wr_tail *tail, int code)
{
    if (tail->gen.stopping && code == WEIR_ECLOSED) {
        return;
    }
    if (code == WEIR_EBUDGET) {
        wr_gen_fail_starved(&tail->gen, -1);
    } else {
        wr_gen_fail(&tail->gen, code, 0, -1, "%s", wr_code_text(code));
    }
}

/* False: stopped, or failed. */
static bool find_room(struct wr_tail *tail, struct wr_tail_file *file, char **to, size_t *room)
{
    struct wr_inbox *inbox = &file->inbox;
    int rc = wr_turn(tail->gen.loop, &tail->gen.object);
    if (rc < 0) {
        wait_failed(tail, rc);
        return false;
    }
    while ((rc = wr_inbox_room(inbox, to, room)) == WEIR_EBUDGET && wr_inbox_stuck(inbox) == NULL) {
        rc = wr_budget_wait(tail->gen.loop, &tail->gen.object);
        if (rc < 0 || tail->gen.stopping) {
            wait_failed(tail, rc < 0 ? rc : WEIR_ECLOSED);
            return false;
        }
    }
    if (rc < 0) {
        wr_gen_fail(&tail->gen, rc, 0, (int64_t)inbox->given_end, "'%s': %s", file->path,
                    rc == WEIR_EBUDGET ? wr_inbox_stuck(inbox) : "no memory to read into");
    }
    return rc == 0;
}

static void reached_end(struct wr_tail *tail, struct wr_tail_file *file)
{
    if (file->ends) {
        wr_inbox_end(&file->inbox);
        return;
    }
    rest(tail, file);
    file->more = false;
    file->drained = file->gone;
}

/* A read has failed. False: no bytes have come. */
static bool read_failed(struct wr_tail *tail, struct wr_tail_file *file, int number)
{
    char problem[256];
    if (file->packed != NULL && number == EAGAIN) {
        return false; /* its turn goes on */
    }
    if (file->packed != NULL && number == EBADMSG) {
        wr_log(&tail->gen.loop->log, WR_LOG_WARNING, tail->gen.name,
               "'%s': %s: what it had after byte %" PRIu64 " is not read", file->path,
               wr_tail_packed_problem(file->packed, problem), file->inbox.given_end);
        file->ends = true;
        reached_end(tail, file);
        return true;
    }
    wr_tail_trouble(tail, file->path, number, "read");
    rest(tail, file);
    file->more = false; /* until the next look */
    file->size = -1;
    file->drained = file->gone;
    return false;
}

/* Read once. False: no bytes have come. */
static bool read_more(struct wr_tail *tail, struct wr_tail_file *file)
{
    char *to;
    size_t room;
    tail->current = file;
    if (!find_room(tail, file, &to, &room)) {
        return false;
    }
    ssize_t n = file->packed != NULL
                    ? wr_tail_packed_read(tail, file->packed, file->fd, to, room, file->read_at)
                    : tail->gen.loop->disk->read(file->fd, to, room, (int64_t)file->read_at);
    if (n < 0) {
        return read_failed(tail, file, errno);
    }
    int same = compare_before(tail, file, file->fd);
    if (same < 0) { /* it is not known whether the file was truncated */
        return read_failed(tail, file, errno);
    }
    if (same == 0) {
        begin_again(tail, file);
        return false;
    }
    if (n == 0) {
        reached_end(tail, file);
        return file->ends;
    }
    grow_id(tail, file, to, (size_t)n, file->read_at);
    if (file->copied_ns > 0) { /* it may have been copied again before these bytes were written */
        wr_tail_find_missed(tail, file, file->copied_ns);
        file->copied_ns = 0;
    }
    if (file->packed == NULL) {
        remember(file, to, (size_t)n, file->read_at);
    }
    wr_inbox_came(&file->inbox, (size_t)n);
    file->read_at += (uint64_t)n;
    file->gone_ns = wr_now_ns(tail->gen.loop);
    return true;
}

size_t wr_tail_file_take(struct wr_tail *tail, struct wr_tail_file *file, weir_item *items,
                         size_t max)
{
    struct weir_gen *gen = &tail->gen;
    bool over = false;
    while (!tail->unsaved && gen->failure == NULL) {
        size_t n = wr_inbox_take(&file->inbox, gen, items, max, &over);
        if (n > 0) {
            file->gave = true;
            return n;
        }
        if (over && gen->failure == NULL) {
            wr_tail_file_free(tail, file, true);
        }
        if (over || gen->failure != NULL) {
            return 0;
        }
        if (file->gave && file->packed == NULL && wr_tail_others_wait(tail, file)) {
            rest(tail, file);
            return 0;
        }
        if (!read_more(tail, file)) {
            return 0;
        }
    }
    return 0; /* its turn goes on after the state is saved */
}
