/*
 * curl_bridge_parts.h - what the files of the bridge to libcurl share. Internal.
 *
 * curl_bridge.c drives the transfers; curl_bridge_fds.c watches libcurl's descriptors for it. Only
 * curl_bridge_fds.c writes the table of descriptors, their reported events and the list of those
 * that have reported. Only curl_bridge.c calls curl_multi_socket_action.
 */
#ifndef WR_LOOP_CURL_BRIDGE_PARTS_H
#define WR_LOOP_CURL_BRIDGE_PARTS_H

#include "curl_bridge.h"
#include "loop_service.h"

enum {
    /* Number of events without a byte, while a transfer is paused, after which their source is
     * muted or slowed down. */
    WR_CURL_USELESS_MAX = 1000,
    /* Bytes that libcurl may read without passing any on: a chunk extension that has no end, for
     * example. What TLS adds is far less. */
    WR_CURL_VAIN_MAX = 256 * 1024
};

struct curl_fd {
    struct wr_curl *curl;
    int fd;
    CURL *easy;      /* its last user; may be freed, or libcurl's own */
    uint32_t wanted; /* EPOLL bits; 0: unused */
    bool watched;    /* in the set */
    int events;      /* CURL_CSELECT_ bits, fired and not yet reported; with `failed`: not known */
    bool failed;
    int useless;                       /* useless events in a row */
    uint64_t progress;                 /* curl->progress when the count of `useless` began */
    uint64_t vain_progress, vain_from; /* progress, and bytes read, at the last progress */
    struct wr_list ready_link;
    struct wr_list muted_link; /* fired endlessly while a transfer was paused */
};

struct wr_curl {
    struct wr_service service;
    struct weir_loop *loop; /* NULL: closing */
    CURLM *multi;           /* NULL: not made yet */
    int set;                /* the epoll set of libcurl's descriptors */
    uv_poll_t poll;         /* watches it */
    struct curl_fd **fds;   /* by descriptor number */
    size_t fds_count;
    struct wr_list ready, muted; /* curl_fd */
    struct wr_list transfers;    /* in the multi handle */
    struct wr_list queue;        /* waiting to be opened */
    struct wr_list unpause;
    struct wr_deferred work;
    struct wr_timer soon; /* libcurl has set a timeout of 0 */
    uv_timer_t timer;
    bool timer_due;
    bool broken;
    size_t count;           /* transfers that have started and not ended */
    size_t opening, paused; /* ... of these */
    uint64_t progress;    /* counts bytes, headers, starts and ends: everything but idle spinning */
    int useless_timeouts; /* timeouts of 0 in a row while nothing came */
    uint64_t timeout_progress; /* `progress` at the last of them */
    size_t closing;            /* handles that are not closed yet */
};

/* libcurl's CURLMOPT_SOCKETFUNCTION; the data is the struct wr_curl. */
int wr_curl_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *assigned);
/* Called after libcurl got the entry's events. Mutes an entry that fires without progress. */
void wr_curl_fd_served(struct curl_fd *entry);
/* Called when libcurl passed nothing on. True: so many bytes were read without a result that
 * none is expected. */
bool wr_curl_fd_is_vain(struct curl_fd *entry);
/* The descriptor that is watched for a transfer; -1: none. */
int wr_curl_fd_of(const struct wr_curl *curl, const CURL *easy);
/* Watch the muted descriptors again. Negative: one of them cannot be watched. */
int wr_curl_fds_unmute(struct wr_curl *curl);
void wr_curl_fds_unwatch(struct wr_curl *curl);
/* Make the set and the handle that watches it. Negative: failed. */
int wr_curl_fds_init(struct wr_curl *curl);
/* Free the table and the set, and close the handle: `closed` is called later, with the bridge as
 * the handle's data. */
void wr_curl_fds_close(struct wr_curl *curl, uv_close_cb closed);

#endif
