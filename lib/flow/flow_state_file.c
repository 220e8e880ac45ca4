/*
 * flow_state_file.c - the record of a pipeline on the disk.
 *
 * The order of the calls in wr_state_store is what a crash is survived by. The new record is
 * written under another name and synced before any name changes; then the newest becomes the
 * previous one and the new one the newest. Between these two renames there is no newest record: the
 * previous one is then used, which is safe, because it is as consistent as any, only older. A
 * newest record that is there but damaged is never passed over in favour of the previous one: who
 * damaged it may have damaged more, and a person should look first.
 *
 * The folder is kept open, so that a program that changes its working directory still writes to the
 * same place. Called from the loop's thread when the pipeline starts, and from the loop's worker
 * for each save. Nothing here suspends.
 */
#include "flow_state_file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_alloc.h"
#include "base_error.h"

#define CRC_LINE "crc32c "
enum { CRC_LINE_LEN = 7 + 8 + 1, FILE_NAME_MAX = WR_STATE_NAME_MAX + 16 };

static const char origin[] = "state";

/* The reflected polynomial of Castagnoli, four bits a step: a record has a few hundred bytes. */
uint32_t wr_crc32c(uint32_t crc, const void *bytes, size_t len)
{
    static const uint32_t steps[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const unsigned char *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ steps[crc & 15];
        crc = (crc >> 4) ^ steps[crc & 15];
    }
    return ~crc;
}

/* ---- text */

static size_t escape(char *to, const char *text)
{
    size_t len = 0;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c <= ' ' || c >= 0x7f || c == '%') {
            len += (size_t)sprintf(to + len, "%%%02x", c);
        } else {
            to[len++] = (char)c;
        }
    }
    return len;
}

size_t wr_state_encode(const struct wr_state_record *record, char *to)
{
    size_t len = (size_t)sprintf(to, "weir-state 1\nname ");
    len += escape(to + len, record->name);
    len += (size_t)sprintf(to + len, "\nsaved %" PRId64 "\nsink %" PRId64 "\n", record->saved_ms,
                           record->sink_length);
    for (size_t i = 0; i < record->sources_count; i++) {
        const struct wr_state_source *source = &record->sources[i];
        len += (size_t)sprintf(to + len, "source %" PRIu64 "%s %" PRIu64 " %d =", source->offset,
                               source->inside ? "+" : "", source->items, source->finished);
        len += escape(to + len, source->validator);
        len += (size_t)sprintf(to + len, " =");
        len += escape(to + len, source->name);
        to[len++] = '\n';
    }
    uint32_t crc = wr_crc32c(0, to, len);
    return len + (size_t)sprintf(to + len, CRC_LINE "%08" PRIx32 "\n", crc);
}

/* A cursor over a text whose checksum was right; `bad` sticks. */
struct reading {
    const char *at, *end;
    bool bad;
};

static void expect(struct reading *r, const char *word)
{
    size_t len = strlen(word);
    if (r->bad || (size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        r->bad = true;
        return;
    }
    r->at += len;
}

static uint64_t read_number(struct reading *r)
{
    char digits[24];
    size_t len = 0;
    while (!r->bad && r->at < r->end && isdigit((unsigned char)*r->at) && len < sizeof digits - 1) {
        digits[len++] = *r->at++;
    }
    digits[len] = '\0';
    errno = 0;
    uint64_t number = strtoull(digits, NULL, 10);
    r->bad = r->bad || len == 0 || errno != 0;
    return number;
}

static int64_t read_signed(struct reading *r)
{
    bool minus = !r->bad && r->at < r->end && *r->at == '-';
    r->at += minus;
    uint64_t number = read_number(r);
    r->bad = r->bad || number > INT64_MAX;
    return minus ? -(int64_t)number : (int64_t)number;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to the next space or line end. */
static void read_text(struct reading *r, char *to, size_t cap)
{
    size_t len = 0;
    while (!r->bad && r->at < r->end && *r->at != ' ' && *r->at != '\n') {
        char c = *r->at++;
        if (c == '%') {
            int high = r->end - r->at >= 2 ? hex(r->at[0]) : -1;
            int low = high >= 0 ? hex(r->at[1]) : -1;
            r->bad = low < 0 || high * 16 + low == 0;
            c = (char)(r->bad ? ' ' : high * 16 + low);
            r->at += r->bad ? 0 : 2;
        }
        if (len + 1 >= cap) {
            r->bad = true;
            break;
        }
        to[len++] = c;
    }
    to[len] = '\0';
}

static void read_source(struct reading *r, struct wr_state_source *source)
{
    expect(r, "source ");
    source->offset = read_number(r);
    source->inside = !r->bad && r->at < r->end && *r->at == '+';
    r->at += source->inside;
    expect(r, " ");
    source->items = read_number(r);
    expect(r, " ");
    source->finished = read_number(r) != 0;
    expect(r, " =");
    read_text(r, source->validator, sizeof source->validator);
    expect(r, " =");
    read_text(r, source->name, sizeof source->name);
    expect(r, "\n");
}

const char *wr_state_decode(struct wr_state_record *record, const char *text, size_t len)
{
    char line[CRC_LINE_LEN + 1];
    memset(record, 0, sizeof *record);
    if (len < CRC_LINE_LEN) {
        return "it is cut short";
    }
    size_t body = len - CRC_LINE_LEN;
    snprintf(line, sizeof line, CRC_LINE "%08" PRIx32 "\n", wr_crc32c(0, text, body));
    if (memcmp(line, text + body, CRC_LINE_LEN) != 0) {
        return "its checksum is wrong";
    }
    struct reading r = {.at = text, .end = text + body};
    expect(&r, "weir-state 1\n");
    if (r.bad) {
        return "it was written by another version of weir";
    }
    expect(&r, "name ");
    read_text(&r, record->name, sizeof record->name);
    expect(&r, "\nsaved ");
    record->saved_ms = read_signed(&r);
    expect(&r, "\nsink ");
    record->sink_length = read_signed(&r);
    expect(&r, "\n");
    while (!r.bad && r.at < r.end && record->sources_count < WR_STATE_SOURCES_MAX) {
        read_source(&r, &record->sources[record->sources_count++]);
    }
    return r.bad || r.at != r.end ? "it is not a record" : NULL;
}

/* ---- files */

static int fail_io(weir_error *error, const char *what, const char *folder, const char *name,
                   int number)
{
    return wr_error_set(error, WEIR_EIO, number, origin, "%s '%s/%s': %s", what, folder, name,
                        strerror(number));
}

/* A parent that may not be read cannot be synced. */
int wr_state_sync_parent(const struct wr_disk *disk, int folder_fd)
{
    int parent = disk->open(folder_fd, "..", O_RDONLY | O_DIRECTORY, 0);
    int number = 0;
    if (parent >= 0) {
        number = wr_disk_sync_folder(disk, parent);
        (void)disk->close(parent);
    }
    return number;
}

static int open_folder(const struct wr_disk *disk, const char *folder, int *folder_fd,
                       weir_error *error)
{
    if (disk->make_folder(folder, 0700) < 0 && errno != EEXIST) {
        int number = errno;
        return wr_error_set(error, WEIR_EIO, number, origin, "make the folder '%s': %s", folder,
                            strerror(number));
    }
    *folder_fd = disk->open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (*folder_fd < 0) {
        int number = errno;
        return wr_error_set(error, WEIR_EIO, number, origin, "open the folder '%s': %s", folder,
                            strerror(number));
    }
    return 0;
}

static int locked_by_another(const struct wr_disk *disk, int lock_fd, const char *folder,
                             const char *name, weir_error *error)
{
    char text[24];
    ssize_t n = disk->read(lock_fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, origin,
                            "the state '%s/%s' is in use by process %ld", folder, name, pid);
    }
    return wr_error_set(error, WEIR_EINVAL, 0, origin,
                        "the state '%s/%s' is in use by another process", folder, name);
}

/* Who holds the lock is only for the other's message: a write that fails costs no more than that. */
static void write_holder(const struct wr_disk *disk, int lock_fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    struct iovec iov = {text, (size_t)len};
    if (disk->cut(lock_fd, 0) == 0) {
        (void)!disk->write(lock_fd, &iov, 1);
    }
}

int wr_state_lock(const struct wr_disk *disk, const char *folder, const char *name, int *folder_fd,
                  int *lock_fd, weir_error *error)
{
    char file[FILE_NAME_MAX];
    int rc = open_folder(disk, folder, folder_fd, error);
    if (rc < 0) {
        return rc;
    }
    snprintf(file, sizeof file, "%s.lock", name);
    *lock_fd = disk->open(*folder_fd, file, O_RDWR | O_CREAT, 0600);
    if (*lock_fd < 0) {
        rc = fail_io(error, "open", folder, file, errno);
    } else if (disk->lock(*lock_fd) < 0) {
        rc = errno == EWOULDBLOCK ? locked_by_another(disk, *lock_fd, folder, name, error)
                                  : fail_io(error, "lock", folder, file, errno);
    }
    if (rc < 0) {
        if (*lock_fd >= 0) {
            (void)disk->close(*lock_fd);
        }
        (void)disk->close(*folder_fd);
        *lock_fd = *folder_fd = -1;
        return rc;
    }
    write_holder(disk, *lock_fd);
    return 0;
}

/* Bytes read, -1 with errno: ENOENT when there is no such file. */
static ssize_t read_file(const struct wr_disk *disk, int folder_fd, const char *name, char *to,
                         size_t cap)
{
    int fd = disk->open(folder_fd, name, O_RDONLY, 0);
    if (fd < 0) {
        return -1;
    }
    size_t len = 0;
    ssize_t n = 1;
    while (len < cap && n > 0) {
        n = disk->read(fd, to + len, cap - len, -1);
        len += n > 0 ? (size_t)n : 0;
    }
    int number = errno;
    (void)disk->close(fd);
    errno = number;
    return n < 0 ? -1 : (ssize_t)len;
}

/* The previous generation is named only where it can be read. */
static int damaged(const struct wr_disk *disk, int folder_fd, weir_error *error, const char *folder,
                   const char *name, bool old, const char *why)
{
    if (old) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, origin,
            "the state '%s/%s.weir.old' is damaged (%s), and there is no newer one: remove "
            "it to start from the beginning",
            folder, name, why);
    }
    char file[FILE_NAME_MAX], *text = wr_alloc(WR_STATE_TEXT_MAX);
    struct wr_state_record *before = wr_alloc(sizeof *before);
    snprintf(file, sizeof file, "%s.weir.old", name);
    ssize_t len = text != NULL && before != NULL
                      ? read_file(disk, folder_fd, file, text, WR_STATE_TEXT_MAX)
                      : -1;
    bool good = len >= 0 && wr_state_decode(before, text, (size_t)len) == NULL;
    wr_free(text);
    wr_free(before);
    return good ? wr_error_set(error, WEIR_EINVAL, 0, origin,
                               "the state '%s/%s.weir' is damaged (%s): put '%s.weir.old' in its "
                               "place to go on from the one before, or remove both to start from "
                               "the beginning",
                               folder, name, why, name)
                : wr_error_set(error, WEIR_EINVAL, 0, origin,
                               "the state '%s/%s.weir' is damaged (%s), and none before it can be "
                               "read: remove '%s.weir' and '%s.weir.old' to start from the "
                               "beginning",
                               folder, name, why, name, name);
}

int wr_state_load(const struct wr_disk *disk, int folder_fd, const char *folder, const char *name,
                  struct wr_state_record *record, weir_error *error)
{
    char file[FILE_NAME_MAX];
    char *text = wr_alloc(WR_STATE_TEXT_MAX);
    bool old = false;
    if (text == NULL) {
        return wr_error_set(error, WEIR_ENOMEM, 0, origin, "no memory to read the state");
    }
    snprintf(file, sizeof file, "%s.weir", name);
    ssize_t len = read_file(disk, folder_fd, file, text, WR_STATE_TEXT_MAX);
    if (len < 0 && errno == ENOENT) {
        old = true;
        snprintf(file, sizeof file, "%s.weir.old", name);
        len = read_file(disk, folder_fd, file, text, WR_STATE_TEXT_MAX);
    }
    int rc = 1;
    if (len < 0) {
        rc = errno == ENOENT ? 0 : fail_io(error, "read", folder, file, errno);
    } else {
        const char *why = wr_state_decode(record, text, (size_t)len);
        if (why != NULL) {
            rc = damaged(disk, folder_fd, error, folder, name, old, why);
        } else if (strcmp(record->name, name) != 0) {
            rc = wr_error_set(error, WEIR_EINVAL, 0, origin,
                              "the state '%s/%s' is another pipeline's ('%s')", folder, file,
                              record->name);
        }
    }
    wr_free(text);
    return rc;
}

static int write_all(const struct wr_disk *disk, int fd, const char *text, size_t len)
{
    while (len > 0) {
        struct iovec iov = {(char *)(uintptr_t)text, len};
        ssize_t n = disk->write(fd, &iov, 1);
        if (n < 0) {
            return errno;
        }
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_new(const struct wr_disk *disk, int folder_fd, const char *name, const char *text,
                     size_t len, const char **step)
{
    *step = "open";
    int fd = disk->open(folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        return errno;
    }
    *step = "write";
    int number = write_all(disk, fd, text, len);
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

int wr_state_store(const struct wr_disk *disk, int folder_fd, const char *name, const char *text,
                   size_t len, const char **step)
{
    char new[FILE_NAME_MAX], newest[FILE_NAME_MAX], old[FILE_NAME_MAX];
    snprintf(new, sizeof new, "%s.weir.new", name);
    snprintf(newest, sizeof newest, "%s.weir", name);
    snprintf(old, sizeof old, "%s.weir.old", name);
    int number = write_new(disk, folder_fd, new, text, len, step);
    if (number != 0) {
        return number;
    }
    *step = "rename";
    if (disk->rename(folder_fd, newest, old) < 0 && errno != ENOENT) { /* ENOENT: the first one */
        return errno;
    }
    if (disk->rename(folder_fd, new, newest) < 0) {
        return errno;
    }
    *step = "fsync";
    return wr_disk_sync_folder(disk, folder_fd);
}

void wr_state_remove(const struct wr_disk *disk, int folder_fd, const char *name)
{
    static const char *const suffixes[] = {"weir.new", "weir.old", "weir"};
    char file[FILE_NAME_MAX];
    for (size_t i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s.%s", name, suffixes[i]);
        (void)disk->remove(folder_fd, file);
    }
}
