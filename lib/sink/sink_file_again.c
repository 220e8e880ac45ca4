/*
 * sink_file_again.c - a file sink during the run: its file is opened again by name after
 * weir_loop_reopen_files, and its bytes are synced.
 *
 * Without a state the next put closes the file and opens the name. Bytes that were gathered belong to
 * the old file. With a state its record must first say that the old file is complete and the new one
 * is empty, else a restart would measure one file by the length of the other. So weir_loop_reopen_files
 * wakes the sink (flush before the poll), and the commit that follows asks the state to go over. If
 * something that was written is still held elsewhere, the old file is written on, and each later commit
 * asks again, and each pull of a source. Once the state has gone over (`renews`), nothing more is written to the old file: the
 * next put waits for the record, closes the old file and makes the new one. A name that still belongs
 * to the file that is open changes nothing.
 *
 * A durable sink without a state syncs in its commit: its receipts settle after that. The name is
 * synced once. A file of rejected items has neither: the state of the pipeline syncs it before each
 * record (`syncs`).
 *
 * While a put or a commit waits here, gather.busy keeps the flush away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "loop_work.h"
#include "sink_file_parts.h"

/* ---- the next file */

/* Commit what was put, as the flush before the poll does. Not while a put waits: its items are not
 * written. */
static void at_pull(void *ctx)
{
    struct wr_sink_file *file = ctx;
    struct weir_sink *sink = &file->stream.sink;
    if (sink->inside == NULL) {
        sink->before_poll.run(&sink->before_poll);
    }
}

static void woken(struct wr_reopener *reopener)
{
    struct wr_sink_file *file = WR_OWNER(reopener, struct wr_sink_file, reopener);
    if (file->begun && !file->streams) {
        wr_sink_dirty(&file->stream.sink);
        wr_state_sink_wants_next(file->kept, at_pull, file);
    }
}

/* It has what it wanted, or wants it no more. */
static void rest(struct wr_sink_file *file)
{
    file->reopenings = file->stream.sink.loop->reopenings;
    if (file->kept != NULL) {
        wr_state_sink_wants_next(file->kept, NULL, NULL);
    }
}

void wr_sink_file_watch(struct wr_sink_file *file)
{
    file->reopener.run = woken;
    wr_list_append(&file->stream.sink.loop->reopeners, &file->reopener.link);
}

/* The length of the file that has the name now, 0 when there is none. -1: it is the file that is
 * open, or one that cannot be its successor: then opening it later says why. */
static int64_t next_length(const struct wr_sink_file *file)
{
    struct stat now, ours;
    if (wr_sink_file_disk(file)->stat_path(file->path, &now) < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    bool same = wr_sink_file_disk(file)->stat(file->fd, &ours) == 0 && ours.st_dev == now.st_dev &&
                ours.st_ino == now.st_ino;
    return same || !S_ISREG(now.st_mode) ? -1 : now.st_size;
}

void wr_sink_file_renew(struct wr_sink_file *file)
{
    struct weir_sink *sink = &file->stream.sink;
    if (sink->ended || file->renews) {
        return;
    }
    int64_t length = file->begun && !file->streams ? next_length(file) : -1;
    if (length < 0) {
        rest(file);
        return;
    }
    if (wr_state_sink_renews(file->kept, file->path, length)) {
        rest(file);
        file->renews = true;
        file->length = file->good = length;
    }
}

/* The state has gone over to the next file: make it. */
static int make_next(struct wr_sink_file *file)
{
    weir_error error;
    struct stat info;
    if (wr_state_save(file->state, &error) < 0) {
        return wr_sink_file_pass(file, &error);
    }
    file->kept->fd = -1; /* no save runs */
    file->kept->synced = -1;
    file->renews = false;
    int rc = wr_sink_file_close_fd(file);
    rc = rc == 0 ? wr_sink_file_open_path(file, -1) : rc;
    if (rc < 0) {
        return rc;
    }
    if (wr_sink_file_disk(file)->stat(file->fd, &info) < 0) {
        return wr_sink_file_io(file, "stat", errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return wr_sink_set_error(&file->stream.sink, WEIR_ECHANGED, 0,
                                 "'%s' is no regular file any more", file->path);
    }
    rc = wr_sink_file_lock(file);
    file->length = file->good = info.st_size;
    if (rc == 0) {
        wr_state_sink_file(file->kept, file->fd, file->path);
        rc = wr_state_begin(file->kept, file->length, &error);
        rc = rc < 0 ? wr_sink_file_pass(file, &error) : 0;
    }
    return rc;
}

int wr_sink_file_again(struct wr_sink_file *file, const weir_item *items, size_t count)
{
    struct weir_sink *sink = &file->stream.sink;
    if (file->renews) {
        return make_next(file);
    }
    file->reopenings = sink->loop->reopenings;
    if (!file->begun || file->streams) {
        return 0;
    }
    file->stream.gather.busy = false;
    int rc = wr_sink_file_flush(sink);
    file->stream.gather.busy = true;
    rc = rc == 0 && file->durable ? wr_sink_file_sync(sink) : rc;
    if (rc == 0) {
        wr_sink_file_leave(file);
        file->begun = file->foldered = false;
        rc = wr_sink_file_close_fd(file);
    }
    return rc < 0 ? rc : wr_sink_file_open(file, items, count);
}

/* ---- syncing */

weir_sink *wr_file_sink_beside(weir_scope *scope, const char *path, weir_state *state)
{
    weir_sink *sink = weir_file_sink(scope, path, NULL);
    if (sink->failure == NULL && state != NULL) {
        wr_sink_file_of(sink)->syncs = state;
    }
    return sink;
}

int wr_sink_file_beside(struct wr_sink_file *file)
{
    weir_error error;
    if (file->syncs == NULL) {
        return 0;
    }
    return wr_state_sink_beside(file->syncs, file->fd, file->path, &file->beside, &error) < 0
               ? wr_sink_file_pass(file, &error)
               : 0;
}

void wr_sink_file_leave(struct wr_sink_file *file)
{
    weir_error error;
    wr_list_remove(&file->reopener.link);
    if (file->kept != NULL) {
        wr_state_sink_wants_next(file->kept, NULL, NULL);
    }
    if (file->beside != NULL) {
        file->beside->length = file->good;
        if (wr_state_beside_over(file->beside, &error) < 0) {
            wr_sink_file_pass(file, &error);
        }
        file->beside = NULL;
    }
}

struct sync_call {
    const struct wr_sink_file *file;
    int folder; /* -1: the name is on the disk, or its folder cannot be opened */
    int number; /* [out] 0 or errno */
};

/* On the worker. */
static void sync_call(void *arg)
{
    struct sync_call *call = arg;
    const struct wr_disk *disk = wr_sink_file_disk(call->file);
    call->number = disk->sync_data(call->file->fd) < 0 && errno != EINVAL ? errno : 0;
    if (call->number == 0 && call->folder >= 0) {
        call->number = wr_disk_sync_folder(disk, call->folder);
    }
}

int wr_sink_file_sync(struct weir_sink *sink)
{
    struct wr_sink_file *file = wr_sink_file_of(sink);
    if (!file->begun || (file->synced == file->good && file->foldered)) {
        return 0;
    }
    int64_t length = file->good;
    struct sync_call call = {
        .file = file,
        .folder = file->foldered ? -1 : wr_state_folder_of(wr_sink_file_disk(file), file->path)};
    bool busy = file->stream.gather.busy;
    file->stream.gather.busy = true;
    wr_work_wait(sink->loop, "the file to be synced", sync_call, &call);
    file->stream.gather.busy = busy;
    if (call.folder >= 0) {
        (void)wr_sink_file_disk(file)->close(call.folder);
    }
    if (call.number != 0) {
        return wr_sink_file_io(file, "sync", call.number);
    }
    file->synced = length;
    file->foldered = true;
    return 0;
}
