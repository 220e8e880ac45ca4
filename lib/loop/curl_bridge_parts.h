/*
 * curl_bridge_parts.h - what the files of the bridge to libcurl share. Internal.
 *
 * curl_bridge.c drives the transfers; curl_bridge_fds.c watches libcurl's descriptors for it. The
 * table of descriptors, what they have reported and the list of those that have are the latter's
 * to write; all calls of curl_multi_socket_action are the former's to make.
 */
#ifndef WR_LOOP_CURL_BRIDGE_PARTS_H
#define WR_LOOP_CURL_BRIDGE_PARTS_H

#include "curl_bridge.h"
#include "loop_service.h"

enum {
    /* Events without a byte, while a transfer is paused, until what brings them is muted or slowed. */
    WR_CURL_BARREN_MAX = 1000,
    /* Bytes that libcurl reads and gives nothing for: an extension of a chunk that has no end. What
     * TLS adds is far less. */
    WR_CURL_VAIN_MAX = 256 * 1024
};

struct curl_fd {
    struct wr_curl *curl;
    int fd;
    CURL *easy;      /* whose it was last; it may be gone, or libcurl's own */
    uint32_t wanted; /* EPOLL bits; 0: unused */
    bool watched;    /* in the set */
    int events;      /* CURL_CSELECT_ bits, fired and not yet told; with failed: none known */
    bool failed;
    int barren;                        /* events in vain, in a row */
    uint64_t progress;                 /* curl->progress when barren was counted from */
    uint64_t vain_progress, vain_from; /* the bytes read when progress was last made */
    struct wr_list ready_link;
    struct wr_list muted_link; /* fired without end while a transfer was paused */
};

struct wr_curl {
    struct wr_service service;
    struct weir_loop *loop; /* NULL: closing */
    CURLM *multi;           /* NULL: to be made */
    int set;                /* the epoll set of libcurl's descriptors */
    uv_poll_t poll;         /* watches it */
    struct curl_fd **fds;   /* by descriptor number */
    size_t fds_count;
    struct wr_list ready, muted; /* curl_fd */
    struct wr_list transfers;    /* in the multi handle */
    struct wr_list queue;        /* waiting to be opened */
    struct wr_list unpause;
    struct wr_deferred work;
    struct wr_timer kick;
    uv_timer_t timer;
    bool timer_due;
    bool broken;
    size_t opening, paused;
    uint64_t progress; /* bytes, headers, starts and ends: anything that is no idle spinning */
    int barren_kicks;
    uint64_t kick_progress;
    size_t closing; /* handles that are not closed yet */
};

/* libcurl's CURLMOPT_SOCKETFUNCTION; the data is the struct wr_curl. */
int wr_curl_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned);
/* libcurl was told what the entry had reported: one that fires in vain is muted. */
void wr_curl_fd_served(struct curl_fd *entry);
/* ... and it has given nothing for it. True: so much has been read in vain that nothing is to come. */
bool wr_curl_fd_is_vain(struct curl_fd *entry);
/* The descriptor that is watched for a transfer; -1: none is. */
int wr_curl_fd_of(const struct wr_curl *curl, const CURL *easy);
/* Watch the muted ones again. Negative: one of them cannot be. */
int wr_curl_fds_unmute(struct wr_curl *curl);
void wr_curl_fds_unwatch(struct wr_curl *curl);
/* The set, and the handle that watches it. Negative: there is none. */
int wr_curl_fds_init(struct wr_curl *curl);
/* Free the table, the set, and in time the handle: closed is called with the bridge as its data. */
void wr_curl_fds_close(struct wr_curl *curl, uv_close_cb closed);

#endif
