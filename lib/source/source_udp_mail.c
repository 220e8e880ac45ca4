/*
 * source_udp_mail.c - the places that datagrams are received into, and the events made of them.
 *
 * A receive takes up to WR_UDP_BATCH datagrams at once into places of the same size in a block. When
 * they are given, they move together, each behind its event, so that a block that is kept is used
 * well; the next receive begins behind them. If nothing was kept, it begins at the start of the block
 * again, so a source that keeps up works in one block. A datagram that is larger than its place goes
 * on in `rest`, memory that is hardly ever touched, and gets a block of its own.
 *
 *     block   event values datagram peer | event values datagram | ...     place | place | ...
 *             given                                              ^ out     received, not given
 *
 * It suspends only while there is no budget for a block. Then datagrams may be received and not
 * given; nothing is lent.
 */
#define _GNU_SOURCE /* mmsghdr */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/socket.h>

#include "base_alloc.h"
#include "source_udp_parts.h"

enum {
    FIELDS = 2,
    HEAD = sizeof(weir_event) + FIELDS * sizeof(weir_slice), /* before a datagram in a block */
    PLACE_BYTES = 1984, /* with the head and the peer; no power of two: places share cache sets */
    DATA_BYTES = PLACE_BYTES - HEAD - WR_PEER_TEXT, /* an Ethernet frame has less */
    REST_BYTES = 64 * 1024,                         /* for the rest of a datagram */
    BLOCK_BYTES_MIN = 4096
};
_Static_assert(PLACE_BYTES % WR_ITEM_ALIGN == 0, "events are aligned");

static size_t block_bytes(const struct wr_udp *udp)
{
    int64_t part = WR_MIN(udp->gen.loop->budget.limit / 4, (int64_t)WR_BLOCK_BYTES);
    return (size_t)WR_MAX(part, (int64_t)BLOCK_BYTES_MIN);
}

bool wr_udp_mail_make(struct wr_udp *udp)
{
    int64_t most = udp->gen.loop->budget.limit / 2 - HEAD - WR_PEER_TEXT;
    udp->datagram_bytes_max = WR_MIN(udp->datagram_bytes_max, (size_t)WR_MAX(most, DATA_BYTES));
    udp->places = WR_MIN(block_bytes(udp) / PLACE_BYTES, (size_t)WR_UDP_BATCH);
    udp->mail = wr_zalloc(sizeof *udp->mail);
    if (udp->mail == NULL || udp->datagram_bytes_max <= DATA_BYTES) {
        return udp->mail != NULL;
    }
    udp->mail->rest = wr_alloc(udp->places * REST_BYTES);
    return udp->mail->rest != NULL;
}

void wr_udp_mail_loan_over(struct wr_udp *udp)
{
    while (udp->large != NULL) {
        struct weir_block *block = udp->large;
        udp->large = block->next;
        wr_block_unref(block, 1);
    }
}

void wr_udp_mail_free(struct wr_udp *udp)
{
    wr_udp_mail_loan_over(udp);
    wr_block_unref(udp->block, 1);
    udp->block = NULL;
    if (udp->mail != NULL) {
        wr_free(udp->mail->rest);
        wr_free(udp->mail);
        udp->mail = NULL;
    }
}

/* ---- receiving */

/* Describe `count` places, the first of which is at `out`. */
static void prepare(struct wr_udp *udp, size_t count)
{
    struct wr_udp_mail *mail = udp->mail;
    size_t max = udp->datagram_bytes_max, here = WR_MIN(max, (size_t)DATA_BYTES);
    char *place = udp->block->data + udp->out;
    for (size_t i = 0; i < count; i++) {
        struct msghdr *message = &mail->messages[i].msg_hdr;
        mail->parts[i][0] = (struct iovec){place + i * PLACE_BYTES + HEAD, here};
        message->msg_iov = mail->parts[i];
        message->msg_iovlen = 1;
        if (mail->rest != NULL) {
            mail->parts[i][1] = (struct iovec){mail->rest + i * REST_BYTES, max - here};
            message->msg_iovlen = 2;
        }
        message->msg_name = &mail->peers[i];
        message->msg_namelen = sizeof mail->peers[i];
    }
}

/* A new block; if `waits`, after a wait if need be. NULL: the source has failed, or would have to
 * wait. */
static struct weir_block *new_block(struct wr_udp *udp, size_t bytes, bool waits)
{
    struct weir_gen *gen = &udp->gen;
    int why = 0, rc = 0;
    struct weir_block *block;
    while ((block = wr_block_new(&gen->loop->blocks, bytes, &why)) == NULL) {
        if (why != WEIR_EBUDGET) {
            wr_gen_fail(gen, why, 0, -1, "no memory for datagrams");
            return NULL;
        }
        if (!waits) {
            return NULL;
        }
        rc = wr_budget_wait(gen->loop, &gen->object);
        if (rc < 0 && !(gen->stopping && rc == WEIR_ECLOSED)) {
            wr_udp_wait_failed(udp, rc);
            return NULL;
        }
    }
    return block;
}

/* Places to receive into. 0: the source has failed. */
static size_t make_places(struct wr_udp *udp)
{
    struct weir_block *block = udp->block;
    if (block != NULL && block->refs == 1) {
        udp->out = 0;
        udp->peer_at.data = NULL;
    } else if (block != NULL && (block->cap - udp->out) / PLACE_BYTES < 1 + udp->places / 8) {
        wr_block_unref(block, 1);
        udp->block = block = NULL;
    }
    if (block == NULL) {
        udp->block = block = new_block(udp, block_bytes(udp), true);
        udp->out = 0;
        udp->peer_at.data = NULL;
    }
    return block != NULL ? WR_MIN((block->cap - udp->out) / PLACE_BYTES, udp->places) : 0;
}

/* Give the memory back that large datagrams have used. */
static void trim_rest(struct wr_udp *udp)
{
    if (WR_UNLIKELY(udp->rest_touched > 0)) {
        uintptr_t page = 4096, from = ((uintptr_t)udp->mail->rest + page - 1) & ~(page - 1);
        size_t bytes = udp->places * REST_BYTES - page;
        (void)madvise((void *)from, bytes & ~(page - 1), MADV_DONTNEED);
        udp->rest_touched = 0;
        wr_gen_scratch(&udp->gen, 0);
    }
}

static void came(struct wr_udp *udp, size_t count)
{
    struct wr_udp_mail *mail = udp->mail;
    uint64_t bytes = 0;
    size_t touched = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = mail->messages[i].msg_len;
        bytes += len;
        touched += len > DATA_BYTES && mail->rest != NULL ? len - DATA_BYTES : 0;
    }
    udp->received = count;
    udp->given = 0;
    wr_gen_received(&udp->gen, bytes);
    if (touched == 0) {
        trim_rest(udp);
    } else {
        udp->rest_touched = WR_MAX(udp->rest_touched, touched);
        wr_gen_scratch(&udp->gen, udp->rest_touched);
    }
}

int wr_udp_mail_receive(struct wr_udp *udp)
{
    struct wr_datagrams *socket = udp->socket;
    size_t places = make_places(udp);
    if (places == 0) {
        return 0;
    }
    prepare(udp, places);
    int rc = socket->ops->receive(socket, udp->mail->messages, (unsigned)places);
    if (rc > 0) {
        came(udp, (size_t)rc);
    }
    return rc;
}

void wr_udp_mail_rest(struct wr_udp *udp)
{
    trim_rest(udp);
    if (udp->block != NULL && udp->block->refs == 1) {
        wr_block_unref(udp->block, 1);
        udp->block = NULL;
    }
}

/* ---- giving */

/* A datagram of this length is too long. True: its beginning is given. */
static bool overlong(struct wr_udp *udp, size_t len)
{
    static const char *const done[] = {"skipped", "cut"};
    struct weir_gen *gen = &udp->gen;
    bool cut = udp->policy == WEIR_LONG_CUT;
    uint64_t next = 10;
    udp->overlong++;
    gen->loop->stats.overlong++;
    if (udp->policy == WEIR_LONG_FAILS) {
        wr_gen_fail(gen, WEIR_ETOOLONG, 0, -1, "a datagram of %zu bytes: the limit is %zu", len,
                    udp->datagram_bytes_max);
        return false;
    }
    while (next <= udp->overlong_logged) {
        next *= 10;
    }
    if (udp->overlong == 1 || udp->overlong >= next) {
        udp->overlong_logged = udp->overlong;
        wr_log(&gen->loop->log, WR_LOG_WARNING, gen->name,
               "a datagram of %zu bytes, more than the limit of %zu: %s (%" PRIu64 " so far)", len,
               udp->datagram_bytes_max, done[cut], udp->overlong);
    }
    udp->rejected += !cut;
    return cut;
}

/* The texts of the sender, behind the event in its block. Returns the bytes that they use there. */
static size_t put_peer(struct wr_udp *udp, const struct msghdr *message, char *to, bool own)
{
    if (memcmp(&udp->peer, message->msg_name, message->msg_namelen) != 0) {
        memcpy(&udp->peer, message->msg_name, message->msg_namelen);
        udp->peer_len = wr_peer_text(&udp->peer, udp->peer_text, &udp->host_from, &udp->host_len);
        udp->peer_at.data = NULL;
    }
    if (udp->peer_at.data != NULL && !own) {
        return 0;
    }
    memcpy(to, udp->peer_text, udp->peer_len);
    udp->peer_at = (weir_slice){to, udp->peer_len};
    udp->host_at = (weir_slice){to + udp->host_from, udp->host_len};
    return udp->peer_len;
}

/* Write the event of a datagram that lies behind its head. Returns the bytes of all of it. */
static size_t put_event(struct wr_udp *udp, struct weir_block *block, size_t at, size_t len,
                        const struct msghdr *message)
{
    static const weir_slice names[FIELDS] = {{"peer", 4}, {"host", 4}};
    char *data = block->data + at + HEAD;
    weir_event *event = (weir_event *)(void *)(block->data + at);
    weir_slice *values = (weir_slice *)(void *)(event + 1);
    bool own = block != udp->block;
    size_t bytes = HEAD + len + put_peer(udp, message, data + len, own);
    *event = (weir_event){.body = {data, len},
                          .names = names,
                          .values = values,
                          .fields_count = FIELDS,
                          .kind = WEIR_EVENT_MESSAGE};
    values[0] = udp->peer_at;
    values[1] = udp->host_at;
    if (own) {
        udp->peer_at.data = NULL; /* it is in a block that ends earlier */
    }
    return wr_item_padded(bytes);
}

/* A datagram that is larger than its place. waits: there is nothing else to give. False: it is not
 * given now. */
static bool give_large(struct wr_udp *udp, weir_item *item, size_t index, size_t len, bool waits)
{
    const struct wr_udp_mail *mail = udp->mail;
    struct weir_block *block = new_block(udp, wr_item_padded(HEAD + len + WR_PEER_TEXT), waits);
    if (block == NULL) {
        return false;
    }
    char *data = block->data + HEAD;
    memcpy(data, mail->parts[index][0].iov_base, DATA_BYTES);
    memcpy(data + DATA_BYTES, mail->parts[index][1].iov_base, len - DATA_BYTES);
    block->len = (uint32_t)put_event(udp, block, 0, len, &mail->messages[index].msg_hdr);
    block->time_ns = udp->gen.loop->now_unix_ns;
    block->next = udp->large;
    udp->large = block;
    *item = (weir_item){.data = block->data, .block = block};
    return true;
}

static void give_small(struct wr_udp *udp, weir_item *item, size_t index, size_t len)
{
    struct weir_block *block = udp->block;
    const struct wr_udp_mail *mail = udp->mail;
    char *to = block->data + udp->out;
    if (to + HEAD != (char *)mail->parts[index][0].iov_base) {
        memmove(to + HEAD, mail->parts[index][0].iov_base, len);
    }
    udp->out += put_event(udp, block, udp->out, len, &mail->messages[index].msg_hdr);
    block->len = (uint32_t)udp->out;
    *item = (weir_item){.data = to, .block = block};
}

size_t wr_udp_mail_give(struct wr_udp *udp, weir_item *items, size_t max)
{
    struct weir_gen *gen = &udp->gen;
    size_t n = 0;
    for (; n < max && udp->given < udp->received && gen->failure == NULL; udp->given++) {
        size_t index = udp->given, len = udp->mail->messages[index].msg_len;
        bool cut = len > udp->datagram_bytes_max;
        if (WR_UNLIKELY(cut && !overlong(udp, len))) {
            continue;
        }
        len = WR_MIN(len, udp->datagram_bytes_max);
        if (WR_LIKELY(len <= DATA_BYTES)) {
            give_small(udp, &items[n], index, len);
        } else if (!give_large(udp, &items[n], index, len, n == 0)) {
            break;
        }
        items[n].len = len;
        items[n].type = &weir_event_type;
        items[n].time_ns = gen->loop->now_unix_ns;
        items[n].flags = cut ? WEIR_ITEM_TRUNCATED : 0;
        n++;
    }
    if (n > 0) {
        udp->block->time_ns = gen->loop->now_unix_ns;
        wr_source_give(gen, items, n);
    }
    return n;
}
