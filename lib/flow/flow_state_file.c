/*
 * flow_state_file.c - the record of a pipeline on the disk.
 *
 * The order of the calls in wr_state_store makes a record survive a crash. The new record is
 * written under another name and synced before any name changes. Then the newest record becomes the
 * previous one, and the new one becomes the newest. Between these two renames there is no newest
 * record. The previous one is used then; this is safe, because it is also consistent, only older.
 * If the newest record is there but damaged, the previous one is never used instead: more files may
 * be damaged, and a person should look first.
 *
 * The folder is kept open, so that a program that changes its working directory still writes to the
 * same place. These functions are called from the loop's thread when the pipeline starts, and from
 * the loop's worker for each save. Nothing here suspends.
 */
#include "flow_state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_error.h"

enum { FILE_NAME_MAX = WR_STATE_NAME_MAX + 16, PIECE = 16 * 1024 };

static const char origin[] = "state";

static int fail_io(const struct wr_state_place *place, weir_error *error, const char *what,
                   const char *name, int number)
{
    return wr_error_set(error, WEIR_EIO, number, origin, "%s '%s/%s': %s", what, place->folder,
                        name, strerror(number));
}

static void name_file(const struct wr_state_place *place, const char *suffix,
                      char file[FILE_NAME_MAX])
{
    snprintf(file, FILE_NAME_MAX, "%s.%s", place->name, suffix);
}

int wr_state_name(struct wr_state_place *place, const char *name, weir_error *error)
{
    size_t len = strlen(name);
    if (len == 0 || len > WR_STATE_NAME_MAX || *name == '.' || strchr(name, '/') != NULL) {
        return wr_error_set(error, WEIR_EINVAL, 0, origin,
                            "a state's name is a file name of 1 to %d bytes", WR_STATE_NAME_MAX);
    }
    memcpy(place->name, name, len + 1);
    wr_error_clear(error);
    return 0;
}

/* ---- the lock */

static int open_folder(struct wr_state_place *place, weir_error *error)
{
    const char *what = "make";
    if (place->disk->make_folder(place->folder, 0700) == 0 || errno == EEXIST) {
        what = "open";
        place->folder_fd = place->disk->open(AT_FDCWD, place->folder, O_RDONLY | O_DIRECTORY, 0);
    }
    if (place->folder_fd >= 0) {
        return 0;
    }
    int number = errno;
    return wr_error_set(error, WEIR_EIO, number, origin, "%s the folder '%s': %s", what,
                        place->folder, strerror(number));
}

static int locked_by_another(const struct wr_state_place *place, weir_error *error)
{
    char text[24], who[40] = "another process";
    ssize_t n = place->disk->read(place->lock_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0) {
        snprintf(who, sizeof who, "process %ld", pid);
    }
    return wr_error_set(error, WEIR_EINVAL, 0, origin, "the state '%s/%s' is in use by %s",
                        place->folder, place->name, who);
}

/* The process id is only for another process's message, so a failed write is ignored. */
static void write_holder(const struct wr_state_place *place)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    struct iovec iov = {text, (size_t)len};
    if (place->disk->cut(place->lock_fd, 0) == 0) {
        (void)!place->disk->write(place->lock_fd, &iov, 1);
    }
}

int wr_state_lock(struct wr_state_place *place, weir_error *error)
{
    char file[FILE_NAME_MAX];
    place->folder_fd = place->lock_fd = -1;
    int rc = open_folder(place, error);
    if (rc < 0) {
        return rc;
    }
    name_file(place, "lock", file);
    place->lock_fd = place->disk->open(place->folder_fd, file, O_RDWR | O_CREAT, 0600);
    if (place->lock_fd < 0) {
        rc = fail_io(place, error, "open", file, errno);
    } else if (place->disk->lock(place->lock_fd) < 0) {
        rc = errno == EWOULDBLOCK ? locked_by_another(place, error)
                                  : fail_io(place, error, "lock", file, errno);
    } else {
        write_holder(place);
    }
    if (rc < 0) {
        wr_state_unlock(place);
    }
    return rc;
}

/* The lock file is not removed: another process may have it open to lock it. */
void wr_state_unlock(struct wr_state_place *place)
{
    if (place->lock_fd >= 0) {
        (void)place->disk->close(place->lock_fd);
    }
    if (place->folder_fd >= 0) {
        (void)place->disk->close(place->folder_fd);
    }
    place->folder_fd = place->lock_fd = -1;
}

/* ---- reading */

/* 0, or errno: ENOENT when there is no such file. */
static int read_file(const struct wr_state_place *place, const char *name, struct wr_growing *text)
{
    int fd = place->disk->open(place->folder_fd, name, O_RDONLY, 0);
    if (fd < 0) {
        return errno;
    }
    ssize_t n = 1;
    int number = 0;
    while (n > 0 && number == 0) {
        if (!wr_growing_room(text, PIECE)) {
            number = ENOMEM;
            break;
        }
        n = place->disk->read(fd, text->data + text->len, text->cap - text->len, -1);
        number = n < 0 ? errno : 0;
        text->len += n > 0 ? (size_t)n : 0;
    }
    (void)place->disk->close(fd);
    if (number != 0) {
        wr_growing_free(text);
    }
    return number;
}

/* The message offers the previous record only if that record can be read. */
static int damaged(const struct wr_state_place *place, weir_error *error, bool old, const char *why)
{
    const char *folder = place->folder, *name = place->name;
    if (old) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, origin,
            "the state '%s/%s.weir.old' is damaged (%s), and there is no newer one: remove "
            "it to start from the beginning",
            folder, name, why);
    }
    char file[FILE_NAME_MAX];
    struct wr_growing text = {.data = NULL};
    struct wr_record before = {.bytes = NULL};
    name_file(place, "weir.old", file);
    bool good = read_file(place, file, &text) == 0 && wr_record_read(&before, &text) == NULL;
    wr_record_free(&before);
    return good ? wr_error_set(
                      error, WEIR_EINVAL, 0, origin,
                      "the state '%s/%s.weir' is damaged (%s): rename '%s.weir.old' to "
                      "'%s.weir' to continue from the previous state, or remove both to start from "
                      "the beginning",
                      folder, name, why, name, name)
                : wr_error_set(error, WEIR_EINVAL, 0, origin,
                               "the state '%s/%s.weir' is damaged (%s), and no previous state can "
                               "be read: remove '%s.weir' and '%s.weir.old' to start from the "
                               "beginning",
                               folder, name, why, name, name);
}

int wr_state_load(const struct wr_state_place *place, struct wr_record *record, weir_error *error)
{
    char file[FILE_NAME_MAX];
    struct wr_growing text = {.data = NULL};
    name_file(place, "weir", file);
    int number = read_file(place, file, &text);
    bool old = number == ENOENT;
    *record = (struct wr_record){.bytes = NULL};
    if (old) {
        name_file(place, "weir.old", file);
        number = read_file(place, file, &text);
    }
    if (number == ENOENT) {
        return 0;
    }
    if (number != 0) {
        return number == ENOMEM
                   ? wr_error_set(error, WEIR_ENOMEM, 0, origin, "no memory to read the state")
                   : fail_io(place, error, "read", file, number);
    }
    const char *why = wr_record_read(record, &text);
    if (why != NULL) {
        return damaged(place, error, old, why);
    }
    if (strcmp(record->name, place->name) != 0) {
        wr_error_set(error, WEIR_EINVAL, 0, origin,
                     "the state '%s/%s' belongs to another pipeline ('%s')", place->folder, file,
                     record->name);
        wr_record_free(record);
        return error->code;
    }
    return 1;
}

/* ---- writing */

/* A parent folder that cannot be opened for reading cannot be synced: this is not an error. */
int wr_state_sync_parent(const struct wr_state_place *place)
{
    int parent = place->disk->open(place->folder_fd, "..", O_RDONLY | O_DIRECTORY, 0);
    int number = 0;
    if (parent >= 0) {
        number = wr_disk_sync_folder(place->disk, parent);
        (void)place->disk->close(parent);
    }
    return number;
}

static int write_all(const struct wr_disk *disk, int fd, const struct wr_growing *text)
{
    for (size_t at = 0; at < text->len;) {
        struct iovec iov = {text->data + at, text->len - at};
        ssize_t n = disk->write(fd, &iov, 1);
        if (n < 0) {
            return errno;
        }
        at += (size_t)n;
    }
    return 0;
}

static int write_new(const struct wr_state_place *place, const char *name,
                     const struct wr_growing *text, const char **step)
{
    const struct wr_disk *disk = place->disk;
    *step = "open";
    int fd = disk->open(place->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        return errno;
    }
    *step = "write";
    int number = write_all(disk, fd, text);
    if (number == 0 && disk->sync(fd) < 0) {
        *step = "fsync";
        number = errno;
    }
    if (disk->close(fd) < 0 && number == 0) {
        *step = "close";
        number = errno;
    }
    return number;
}

int wr_state_store(const struct wr_state_place *place, const struct wr_growing *text,
                   const char **step)
{
    char new[FILE_NAME_MAX], newest[FILE_NAME_MAX], old[FILE_NAME_MAX];
    name_file(place, "weir.new", new);
    name_file(place, "weir", newest);
    name_file(place, "weir.old", old);
    int number = write_new(place, new, text, step);
    if (number != 0) {
        return number;
    }
    *step = "rename";
    if (place->disk->rename(place->folder_fd, newest, old) < 0 && errno != ENOENT) {
        return errno; /* ENOENT: it is the first one */
    }
    if (place->disk->rename(place->folder_fd, new, newest) < 0) {
        return errno;
    }
    *step = "fsync";
    return wr_disk_sync_folder(place->disk, place->folder_fd);
}

void wr_state_remove(const struct wr_state_place *place)
{
    static const char *const suffixes[] = {"weir.new", "weir.old", "weir"};
    char file[FILE_NAME_MAX];
    for (size_t i = 0; i < 3 && place->folder_fd >= 0; i++) {
        name_file(place, suffixes[i], file);
        (void)place->disk->remove(place->folder_fd, file);
    }
}
