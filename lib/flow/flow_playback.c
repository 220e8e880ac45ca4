/*
 * flow_playback.c - reads a recording, and says when each record is due.
 *
 * The first record after the header is due when it is looked at first. Every later one is due as long
 * after that as it was recorded, divided by the speed. A source that is late (its reader was slow)
 * finds its records due, and catches up.
 *
 * The file is read in pieces of READ_BYTES by plain reads, also in a timer's callback: it is on this
 * machine, and was mostly just written. The buffer grows to the largest record, which the format
 * limits to 1 MiB.
 *
 * States: open, over (an OVER record, the end of the file, damage). Nothing here suspends.
 */
#include "flow_playback.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "base_error.h"
#include "loop_file.h"

enum { READ_BYTES = 64 * 1024 };

struct wr_playback {
    struct weir_loop *loop;
    char *path;
    int fd;
    char *buffer;
    size_t at, len, cap; /* of the buffer: [at, len) is not taken */
    uint64_t offset;     /* of buffer[at] in the file */
    bool ends;           /* the end of the file was read */
    bool plain;          /* the file is no recording */
    bool plain_over;     /* ... and its bytes were given */
    bool peeked;
    struct wr_recorded record; /* the piece, of bytes */
    size_t record_bytes;       /* in the buffer, of the whole record */
    size_t data_at;            /* bytes of it that were taken */
    char header[2048];
    size_t header_len;
    double speed;
    int64_t base_ns; /* the loop's time of the recording's time 0; -1: not known */
    int64_t split;
    uint64_t random;
    size_t mean; /* of the pieces, when they are cut at random */
    bool over;
    weir_error ended;
};

/* ---- the file */

static void end(struct wr_playback *play, int code, int detail, const char *what)
{
    play->over = true;
    play->peeked = false;
    wr_error_set(&play->ended, code, detail, "replay", "'%s': %s", play->path, what);
    play->ended.offset = (int64_t)play->offset;
}

static void end_at(struct wr_playback *play, int code, const char *what)
{
    char text[160];
    snprintf(text, sizeof text, "the recording %s at byte %llu", what,
             (unsigned long long)play->offset);
    end(play, code, 0, text);
}

/* Read until `need` bytes are there, or the end. False: the recording is over. */
static bool fill(struct wr_playback *play, size_t need)
{
    while (play->len - play->at < need && !play->ends) {
        memmove(play->buffer, play->buffer + play->at, play->len - play->at);
        play->len -= play->at;
        play->at = 0;
        if (need > play->cap) {
            char *more = wr_realloc(play->buffer, need);
            if (more == NULL) {
                end(play, WEIR_ENOMEM, 0, "no memory for a record");
                return false;
            }
            play->buffer = more;
            play->cap = need;
        }
        ssize_t n =
            play->loop->disk->read(play->fd, play->buffer + play->len, play->cap - play->len, -1);
        if (n < 0) {
            end(play, WEIR_EIO, errno, strerror(errno));
            return false;
        }
        play->ends = n == 0;
        play->len += (size_t)n;
    }
    return true;
}

/* ---- records */

/* xorshift */
static uint64_t next_random(struct wr_playback *play)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return play->random;
}

/* The length of the next piece of `left` bytes. */
static size_t piece_of(struct wr_playback *play, size_t left)
{
    if (play->split <= 0) {
        return left;
    }
    size_t piece = play->split == 1 ? 1 : 1 + (size_t)(next_random(play) % (play->mean * 2 - 1));
    return WR_MIN(piece, left);
}

static bool read_plain(struct wr_playback *play)
{
    static const char complete = 1;
    if (play->plain_over) {
        play->over = true;
        wr_error_clear(&play->ended);
        return false;
    }
    if (!fill(play, 1)) {
        return false;
    }
    size_t len = play->len - play->at;
    play->plain_over = len == 0;
    play->record = len > 0 ? (struct wr_recorded){WR_RECORD_DATA, 0, play->buffer + play->at, len}
                           : (struct wr_recorded){WR_RECORD_END, 0, &complete, 1};
    play->record_bytes = len;
    return true;
}

/* An OVER record. */
static void end_as_recorded(struct wr_playback *play)
{
    struct wr_recorded_failure failure;
    if (!wr_recorded_failure_read(&play->record, &failure)) {
        end_at(play, WEIR_EPARSE, "is damaged");
        return;
    }
    play->over = true;
    wr_error_clear(&play->ended);
    if (failure.code < 0) {
        wr_error_set(&play->ended, failure.code, failure.detail, "replay", "%.*s",
                     (int)failure.text.len, failure.text.data);
    }
}

static bool read_record(struct wr_playback *play)
{
    size_t need = WR_RECORD_HEAD_BYTES;
    int64_t n = 0;
    do {
        if (!fill(play, need)) {
            return false;
        }
        const struct wr_text text = {play->buffer + play->at, play->len - play->at};
        n = wr_recorded_read(text, &play->record, &need);
    } while (n == 0 && !play->ends);
    if (n <= 0) {
        end_at(play, n == 0 ? WEIR_ETRUNCATED : WEIR_EPARSE, n == 0 ? "is cut" : "is damaged");
        return false;
    }
    play->record_bytes = (size_t)n;
    return true;
}

const struct wr_recorded *wr_playback_peek(struct wr_playback *play)
{
    if (play->over || play->peeked) {
        return play->over ? NULL : &play->record;
    }
    if (!(play->plain ? read_plain(play) : read_record(play))) {
        return NULL;
    }
    if (play->record.kind == WR_RECORD_OVER) {
        end_as_recorded(play);
        return NULL;
    }
    if (play->base_ns < 0) {
        play->base_ns = wr_now_ns(play->loop) - (int64_t)((double)play->record.ns / play->speed);
    }
    play->peeked = true;
    play->data_at = 0;
    if (play->record.kind == WR_RECORD_DATA) {
        play->record.len = piece_of(play, play->record.len);
    }
    return &play->record;
}

static void take_record(struct wr_playback *play)
{
    play->at += play->record_bytes;
    play->offset += play->record_bytes;
    play->peeked = false;
}

void wr_playback_take(struct wr_playback *play, size_t len)
{
    struct wr_recorded *record = &play->record;
    if (record->kind != WR_RECORD_DATA) {
        take_record(play);
        return;
    }
    size_t head = play->plain ? 0 : WR_RECORD_HEAD_BYTES;
    size_t all = play->record_bytes - head;
    play->data_at += len;
    record->data += len;
    record->len -= len;
    if (record->len > 0) {
        return;
    }
    if (play->data_at == all) {
        take_record(play);
    } else {
        record->len = piece_of(play, all - play->data_at);
    }
}

int64_t wr_playback_due_ms(const struct wr_playback *play)
{
    if (isinf(play->speed)) {
        return 0;
    }
    double due_ns = (double)play->base_ns + (double)play->record.ns / play->speed;
    double left_ms = (due_ns - (double)wr_now_ns(play->loop)) / 1e6;
    return left_ms <= 0 ? 0 : left_ms < 1e15 ? (int64_t)ceil(left_ms) : (int64_t)1e15;
}

bool wr_playback_is_split(const struct wr_playback *play)
{
    return play->split > 0;
}

const weir_error *wr_playback_ended(const struct wr_playback *play)
{
    return play->over ? &play->ended : NULL;
}

void wr_playback_says(const struct wr_playback *play, const char *name, char *to, size_t cap)
{
    const struct wr_recorded header = {WR_RECORD_HEADER, 0, play->header, play->header_len};
    struct wr_text value = wr_recorded_header(&header, name);
    snprintf(to, cap, "%.*s", (int)value.len, value.data != NULL ? value.data : "");
}

/* ---- open */

/* Read the magic and the header. False: over. */
static bool begin(struct wr_playback *play, bool any_file)
{
    if (!fill(play, WR_RECORDING_MAGIC_BYTES)) {
        return false;
    }
    play->plain = play->len < WR_RECORDING_MAGIC_BYTES ||
                  memcmp(play->buffer, WR_RECORDING_MAGIC, WR_RECORDING_MAGIC_BYTES) != 0;
    if (play->plain && !any_file) {
        end(play, WEIR_EPARSE, 0, "this is not a recording; weir record SOURCE -o FILE makes one");
        return false;
    }
    if (play->plain) {
        return true;
    }
    play->at = play->offset = WR_RECORDING_MAGIC_BYTES;
    if (!read_record(play)) {
        return false;
    }
    if (play->record.kind != WR_RECORD_HEADER) {
        end_at(play, WEIR_EPARSE, "has no header");
        return false;
    }
    play->header_len = WR_MIN(play->record.len, sizeof play->header);
    memcpy(play->header, play->record.data, play->header_len);
    take_record(play);
    return true;
}

struct wr_playback *wr_playback_open(struct weir_loop *loop, const char *path,
                                     const weir_replay_options *options, weir_error *error)
{
    double speed = options->speed;
    struct wr_playback *play = wr_zalloc(sizeof *play);
    if (play == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, "replay", "no memory for a replay");
        return NULL;
    }
    play->loop = loop;
    play->fd = -1;
    play->speed = speed > 0 ? speed : speed < 0 ? (double)INFINITY : 1;
    play->split = WR_MAX(options->split, 0);
    play->random = (uint64_t)play->split * UINT64_C(0x9E3779B97F4A7C15) | 1;
    (void)next_random(play);
    play->mean = (size_t)8 << (next_random(play) % 8);
    play->base_ns = -1;
    play->path = wr_strdup(path);
    play->buffer = wr_alloc(READ_BYTES);
    play->cap = READ_BYTES;
    wr_error_clear(error);
    if (play->path == NULL || play->buffer == NULL) {
        wr_error_set(error, WEIR_ENOMEM, 0, "replay", "no memory for a replay");
    } else {
        play->fd = loop->disk->open(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
        if (play->fd < 0) {
            wr_error_set(error, WEIR_EIO, errno, "replay", "open '%s': %s", path, strerror(errno));
        } else if (!begin(play, options->any_file != 0)) {
            *error = play->ended;
        }
    }
    if (error->code != 0) {
        wr_playback_free(play);
        return NULL;
    }
    return play;
}

void wr_playback_free(struct wr_playback *play)
{
    if (play == NULL) {
        return;
    }
    if (play->fd >= 0) {
        (void)play->loop->disk->close(play->fd);
    }
    wr_free(play->path);
    wr_free(play->buffer);
    wr_free(play);
}
