/*
 * source_udp_parts.h - the two files of the source of datagrams. Internal to them.
 *
 *   source_udp.c       the generator: opens, waits, counts what is lost, ends; and its component
 *   source_udp_mail.c  the places that datagrams are received into, and the events made of them
 *
 * Include it after <weir/...>, in files that define _GNU_SOURCE for mmsghdr.
 */
#ifndef WR_SOURCE_UDP_PARTS_H
#define WR_SOURCE_UDP_PARTS_H

#include "flow_gen.h"
#include "source_udp.h"

enum { WR_UDP_BATCH = 64 };

/* What a receive fills. */
struct wr_udp_mail {
    struct mmsghdr messages[WR_UDP_BATCH];
    struct iovec parts[WR_UDP_BATCH][2];
    union wr_peer peers[WR_UDP_BATCH];
    char *rest; /* WR_UDP_REST_BYTES for each place; NULL: no datagram is larger than its place */
};

struct wr_udp {
    struct weir_gen gen;
    wr_udp_open *open;
    char *address, *group, *interface, *source;
    struct wr_udp_port *port;    /* NULL: that of the address */
    struct wr_datagrams *socket; /* NULL: not open */
    struct wr_udp_mail *mail;
    struct weir_block *block; /* being filled; NULL: none */
    struct weir_block *large; /* of the items given last; by next */
    size_t out;               /* where the next event goes in the block */
    size_t places;            /* how many a new block has */
    size_t received, given;   /* mail: [given, received) is to be given */
    size_t rest_touched;      /* bytes of the rest that the last receive has used */
    size_t datagram_bytes_max, buffer_bytes;
    uint64_t rejected, overlong, overlong_logged;
    uint64_t dropped;  /* by the kernel */
    uint32_t counter;  /* the kernel's count at the last look */
    size_t stop_left;  /* while it stops: how many datagrams may still be taken */
    int32_t policy;    /* WEIR_LONG_SKIP, ... */
    bool stop_counted; /* stop_left is set */
    bool buffer_asked; /* the program has asked for its size */
    /* The peer of the last datagram, its text, and where that is in the block. */
    union wr_peer peer;
    weir_slice peer_at, host_at; /* data NULL: not in this block */
    char peer_text[WR_PEER_TEXT];
    size_t peer_len, host_from, host_len;
};

/* source_udp_mail.c. Memory for the mail. False: there is none. */
bool wr_udp_mail_make(struct wr_udp *udp);
/* Free it, and the blocks. */
void wr_udp_mail_free(struct wr_udp *udp);
/* Receive, without waiting for a datagram; may wait for the budget. As wr_datagrams_ops.receive; or 0:
 * the source has failed. */
int wr_udp_mail_receive(struct wr_udp *udp);
/* Before a wait: keep no memory that is not needed. */
void wr_udp_mail_rest(struct wr_udp *udp);
/* Give up to max of the datagrams that were received. 0: there are none, or the source has failed. */
size_t wr_udp_mail_give(struct wr_udp *udp, weir_item *items, size_t max);
/* The reader pulls again: the loan of large datagrams is over. */
void wr_udp_mail_loan_over(struct wr_udp *udp);

/* source_udp.c. A wait returned a negative code: the source has failed, or it stops. */
void wr_udp_wait_failed(struct wr_udp *udp, int code);

#endif
