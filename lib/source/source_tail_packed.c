/*
 * source_tail_packed.c - reading a file that was compressed after its rotation: by offset in its
 * decoded bytes.
 *
 * A decoder only goes forward, so a read before the place where it is begins anew. Such files are
 * not written to any more: they are read in one go, and no other file has a turn in between. What
 * comes before the offset is decoded and dropped, in steps, so that the loop has its turns: a step
 * that has come no further than that is EAGAIN. Bad data is EBADMSG, with the decoder's text.
 *
 * Nothing here suspends.
 */
#include <errno.h>
#include <string.h>

#include "base_alloc.h"
#include "base_hash.h"
#include "codec_decode.h"
#include "source_tail.h"

enum { IN_BYTES = 16 * 1024, STEP_BYTES = 256 * 1024 };

struct wr_tail_packed {
    const struct wr_coding *coding;
    struct wr_decoder decoder;
    int64_t in_at;         /* offset in the file of the next read */
    size_t in_from, in_to; /* bytes of `in` that are not decoded yet */
    uint64_t out_at;       /* decoded bytes so far */
    bool in_over, over;
    char in[IN_BYTES];
};

const struct wr_coding *wr_tail_coding_of(const char *path)
{
    static const struct {
        const char *ending;
        const struct wr_coding *coding;
    } endings[] = {{".gz", &wr_coding_gzip}, {".zst", &wr_coding_zstd}, {".lz4", &wr_coding_lz4}};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t ending = strlen(endings[i].ending);
        if (len > ending && strcmp(path + len - ending, endings[i].ending) == 0) {
            return endings[i].coding;
        }
    }
    return NULL;
}

/* 0 or errno. */
static int begin(struct wr_tail_packed *packed)
{
    static const struct wr_decode_limits limits = {.ratio_max = UINT64_MAX};
    wr_decoder_fini(&packed->decoder);
    packed->in_at = 0;
    packed->in_from = packed->in_to = 0;
    packed->out_at = 0;
    packed->in_over = packed->over = false;
    return wr_decoder_init(&packed->decoder, packed->coding, &limits) < 0 ? ENOMEM : 0;
}

struct wr_tail_packed *wr_tail_packed_new(const struct wr_coding *coding)
{
    struct wr_tail_packed *packed = wr_zalloc(sizeof *packed);
    if (packed != NULL) {
        packed->coding = coding;
        if (begin(packed) != 0) {
            wr_tail_packed_free(packed);
            packed = NULL;
        }
    }
    return packed;
}

void wr_tail_packed_free(struct wr_tail_packed *packed)
{
    if (packed != NULL) {
        wr_decoder_fini(&packed->decoder);
        wr_free(packed);
    }
}

const char *wr_tail_packed_problem(const struct wr_tail_packed *packed, char to[256])
{
    (void)wr_decoder_text(&packed->decoder, "file", to, 256);
    return to;
}

/* The next decoded bytes. -1 and errno; 0: the end. */
static ssize_t decode(const struct wr_disk *disk, int fd, struct wr_tail_packed *packed, char *to,
                      size_t cap)
{
    size_t made = 0;
    while (made == 0 && !packed->over) {
        size_t used = 0;
        int rc;
        if (packed->in_from == packed->in_to && !packed->in_over) {
            ssize_t n = disk->read(fd, packed->in, sizeof packed->in, packed->in_at);
            if (n < 0) {
                return -1;
            }
            packed->in_over = n == 0;
            packed->in_at += n;
            packed->in_from = 0;
            packed->in_to = (size_t)n;
        }
        rc = wr_decoder_step(&packed->decoder, packed->in + packed->in_from,
                             packed->in_to - packed->in_from, &used, to, cap, &made);
        packed->in_from += used;
        if (rc == WR_DECODE_NEED_INPUT && packed->in_over && made == 0) {
            packed->over = true;
            rc = wr_decoder_finish(&packed->decoder);
        }
        if (rc < 0 && made == 0) {
            errno = rc == WEIR_ENOMEM ? ENOMEM : EBADMSG;
            return -1;
        }
    }
    packed->out_at += made;
    return (ssize_t)made;
}

ssize_t wr_tail_packed_read(struct wr_tail *tail, struct wr_tail_packed *packed, int fd, char *to,
                            size_t cap, uint64_t at)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    if (at < packed->out_at) {
        int number = begin(packed);
        if (number != 0) {
            errno = number;
            return -1;
        }
    }
    for (size_t skipped = 0; packed->out_at < at;) {
        size_t want = (size_t)WR_MIN(at - packed->out_at, (uint64_t)sizeof tail->scratch);
        ssize_t n = decode(disk, fd, packed, tail->scratch, want);
        if (n <= 0) {
            return n;
        }
        skipped += (size_t)n;
        if (skipped >= STEP_BYTES && packed->out_at < at) {
            errno = EAGAIN;
            return -1;
        }
    }
    return decode(disk, fd, packed, to, cap);
}

int wr_tail_packed_identify(struct wr_tail *tail, const struct wr_coding *coding, int fd,
                            size_t hashed, struct wr_tail_id *id)
{
    const struct wr_disk *disk = tail->gen.loop->disk;
    struct stat info;
    struct wr_tail_packed *packed = wr_tail_packed_new(coding);
    size_t len = 0, want = WR_MIN(hashed, (size_t)WR_TAIL_HEAD);
    ssize_t n = packed != NULL && disk->stat(fd, &info) == 0 ? 1 : -1;
    if (packed == NULL) {
        errno = ENOMEM;
    }
    while (n > 0 && len < want) {
        n = decode(disk, fd, packed, tail->scratch + len, want - len);
        len += n > 0 ? (size_t)n : 0;
    }
    int number = n < 0 ? errno : 0;
    wr_tail_packed_free(packed);
    if (number == 0) {
        *id = (struct wr_tail_id){.device = (uint64_t)info.st_dev,
                                  .inode = (uint64_t)info.st_ino,
                                  .head = wr_hash(tail->scratch, len),
                                  .head_len = len};
    }
    return number;
}
