/*
 * curl_bridge.c - one curl multi handle on libuv.
 *
 * libcurl says which descriptors to watch (curl_bridge_fds.c) and when to call it (on_timer). Both
 * callbacks may come at any time, also under curl_multi_remove_handle, so they only touch the table
 * of descriptors and the timers.
 *
 * Only `work` and the timers call curl_multi_socket_action and curl_easy_pause, on the scheduler's
 * stack: a poll callback only notes what is ready. A timeout of 0 ms is a weir timer of 0 ms, which
 * fires once in each round and lets the loop poll in between. A longer timeout is a uv_timer,
 * because libcurl measures real time.
 *
 * After an error of curl_multi_socket_action the state of all transfers is uncertain: all of them
 * fail, and the next start makes a new multi handle. The memory of the bridge is freed when its
 * last handle has closed; this may be after the end of the loop.
 */
#include "curl_bridge.h"

#include "base_alloc.h"
#include "base_fault.h"
#include "curl_bridge_parts.h"
#include "loop_tcp.h"

enum {
    OPENING_MAX = 16, /* libcurl uses one thread for each name that it resolves */
    USELESS_TIMEOUT_MS = 10,
    /* libcurl's buffer for received bytes. A larger one needs fewer system calls and
     * acknowledgements; above 256 KiB the gain is small. Transfers that run at the same time share
     * BUFFERS_BYTES, but each has room for one piece. */
    BUFFERS_BYTES = 16 * 1024 * 1024,
    BUFFER_PIECES_MAX = 16,
    /* More than whole pieces, so that the last piece of a full buffer is short. There a pause costs
     * least, because libcurl copies what is left of its buffer. */
    BUFFER_REST_BYTES = 1024
};

static uv_once_t global_once = UV_ONCE_INIT;
static CURLcode global_rc;

static void global_init(void)
{
    global_rc = curl_global_init(
        CURL_GLOBAL_DEFAULT); /* libcurl counts these calls: harmless if the program has made one */
}

static void timer_due(uv_timer_t *timer)
{
    struct wr_curl *curl = timer->data;
    curl->timer_due = true;
    wr_defer(curl->loop, &curl->work);
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct wr_curl *curl = ctx;
    struct weir_loop *loop = curl->loop;
    (void)multi;
    if (loop == NULL) {
        return 0;
    }
    wr_timer_stop(loop, &curl->soon);
    uv_timer_stop(&curl->timer);
    if (timeout_ms == 0) {
        bool useless = curl->paused > 0 && curl->timeout_progress == curl->progress;
        curl->useless_timeouts = useless ? curl->useless_timeouts + 1 : 0;
        curl->timeout_progress = curl->progress;
        wr_timer_start(loop, &curl->soon,
                       curl->useless_timeouts > WR_CURL_USELESS_MAX ? USELESS_TIMEOUT_MS : 0);
    } else if (timeout_ms > 0) {
        uv_update_time(loop->uv);
        uv_timer_start(&curl->timer, timer_due, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

/* ---- a transfer's callbacks */

static void set_paused(struct wr_transfer *transfer, struct wr_curl *curl, int paused)
{
    if (transfer->paused != (paused != 0)) {
        transfer->paused = paused != 0;
        curl->paused = paused ? curl->paused + 1 : curl->paused - 1;
    }
    /* A paused transfer waits for this program: a virtual clock may jump then. */
    bool counted = !paused;
    if (transfer->counted != counted) {
        transfer->counted = counted;
        curl->loop->fds_waited = counted ? curl->loop->fds_waited + 1 : curl->loop->fds_waited - 1;
    }
}

static void opened(struct wr_transfer *transfer)
{
    if (transfer->opening) {
        transfer->opening = false;
        transfer->curl->opening--;
        wr_defer(transfer->curl->loop, &transfer->curl->work); /* start the next in the queue */
    }
}

static size_t on_write(char *data, size_t one, size_t len, void *ctx)
{
    struct wr_transfer *transfer = ctx;
    struct wr_curl *curl = transfer->curl;
    (void)one;
    size_t taken = transfer->write(transfer, data, len);
    if (taken == CURL_WRITEFUNC_PAUSE) {
        set_paused(transfer, curl, 1);
    } else {
        curl->progress++;
    }
    return taken;
}

static size_t on_read(char *to, size_t one, size_t cap, void *ctx)
{
    struct wr_transfer *transfer = ctx;
    (void)one;
    transfer->curl->progress++;
    return transfer->send(transfer, to, cap);
}

static int on_seek(void *ctx, curl_off_t at, int from)
{
    struct wr_transfer *transfer = ctx;
    return from == SEEK_SET && transfer->rewind(transfer, at) ? CURL_SEEKFUNC_OK
                                                              : CURL_SEEKFUNC_FAIL;
}

static size_t on_header(char *data, size_t one, size_t len, void *ctx)
{
    struct wr_transfer *transfer = ctx;
    (void)one;
    transfer->curl->progress++;
    return transfer->header(transfer, data, len) ? len : 0;
}

static int on_socket_made(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    const struct wr_transfer *transfer = ctx;
    (void)purpose;
    wr_tcp_keep_alive(fd);
    if (transfer->send == NULL) {
        wr_tcp_limit_silence(fd);
    }
    opened(ctx);
    return CURL_SOCKOPT_OK;
}

static int on_connected(void *ctx, char *to, char *from, int to_port, int from_port)
{
    struct wr_transfer *transfer = ctx;
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    opened(transfer); /* on a reused connection no socket is made, so no callback has said this */
    transfer->curl->progress++;
    if (transfer->connected != NULL) {
        transfer->connected(transfer);
    }
    return CURL_PREREQFUNC_OK;
}

/* The size of a buffer when so many transfers run. */
static long buffer_bytes(size_t transfers)
{
    size_t pieces = BUFFERS_BYTES / CURL_MAX_WRITE_SIZE / WR_MAX(transfers, (size_t)1);
    pieces = WR_MAX(WR_MIN(pieces, (size_t)BUFFER_PIECES_MAX), (size_t)1);
    return (long)(pieces * CURL_MAX_WRITE_SIZE + BUFFER_REST_BYTES);
}

static void set_options(struct wr_transfer *transfer)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, (void *)transfer);
    if (transfer->send != NULL) {
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, (void *)transfer);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, (void *)transfer);
    }
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, (void *)transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, (void *)transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);   /* else three sigaction calls for each step */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else a stop joins the resolver's thread */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 0L); /* off: it also runs while a transfer is
                                                       paused */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes(transfer->curl->count));
}

/* ---- driving */

static int make_multi(struct wr_curl *curl)
{
    curl->multi = wr_fault("curl_multi_init") ? NULL : curl_multi_init();
    if (curl->multi == NULL) {
        return WEIR_ENOMEM;
    }
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, wr_curl_on_socket);
    curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, (void *)curl);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, (void *)curl);
    curl_multi_setopt(curl->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return 0;
}

/* Remove it from the lists and the multi handle. */
static void take_out(struct wr_transfer *transfer)
{
    struct wr_curl *curl = transfer->curl;
    wr_list_remove(&transfer->link);
    wr_list_remove(&transfer->unpause_link);
    if (!transfer->queued) {
        curl_multi_remove_handle(curl->multi, transfer->easy);
    }
    transfer->queued = false;
    opened(transfer);
    set_paused(transfer, curl, 0);
    transfer->counted = false;
    curl->loop->fds_waited--;
    curl->count--;
    curl->progress++;
    transfer->curl = NULL;
}

static void finish(struct wr_transfer *transfer, CURLcode code)
{
    take_out(transfer);
    transfer->done(transfer, code);
}

static void drain(struct wr_curl *curl)
{
    CURLMsg *message;
    int left;
    while (!curl->broken && (message = curl_multi_info_read(curl->multi, &left)) != NULL) {
        char *private = NULL;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK &&
            private != NULL) {
            finish((struct wr_transfer *)(void *)private, message->data.result);
        }
    }
}

static void act(struct wr_curl *curl, curl_socket_t fd, int events)
{
    int running;
    if (curl->broken || curl->multi == NULL) {
        return;
    }
    if (wr_fault("curl_multi_socket_action") ||
        curl_multi_socket_action(curl->multi, fd, events, &running) != CURLM_OK) {
        curl->broken = true;
        return;
    }
    drain(curl);
}

static void rebuild(struct wr_curl *curl)
{
    while (!wr_list_empty(&curl->transfers)) {
        finish(WR_OWNER(curl->transfers.next, struct wr_transfer, link), CURLE_ABORTED_BY_CALLBACK);
    }
    curl_multi_cleanup(curl->multi);
    curl->multi = NULL;
    wr_curl_fds_unwatch(curl);
    wr_timer_stop(curl->loop, &curl->soon);
    uv_timer_stop(&curl->timer);
    curl->broken = false;
}

static void end_vain(struct wr_curl *curl, const CURL *easy)
{
    for (struct wr_list *node = curl->transfers.next; node != &curl->transfers; node = node->next) {
        struct wr_transfer *transfer = WR_OWNER(node, struct wr_transfer, link);
        if (transfer->easy == easy) {
            transfer->vain = true;
            finish(transfer, CURLE_RECV_ERROR);
            return;
        }
    }
}

/* Pass the events of a descriptor to libcurl. */
static void serve(struct wr_curl *curl, struct curl_fd *entry)
{
    int events = entry->failed ? 0 : entry->events;
    uint64_t progress = curl->progress;
    entry->events = 0;
    entry->failed = false;
    act(curl, entry->fd, events);
    wr_curl_fd_served(entry);
    if (!curl->broken && curl->progress == progress && entry->watched &&
        wr_curl_fd_is_vain(entry)) {
        end_vain(curl, entry->easy);
    }
}

static void unpause(struct wr_curl *curl, struct wr_transfer *transfer)
{
    if (!transfer->paused) {
        return;
    }
    set_paused(transfer, curl, 0);
    curl->progress++;
    CURLcode rc = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    if (rc != CURLE_OK && rc != CURLE_BAD_FUNCTION_ARGUMENT && wr_transfer_active(transfer)) {
        finish(transfer, rc);
    }
}

static int open_transfer(struct wr_curl *curl, struct wr_transfer *transfer)
{
    if ((curl->multi == NULL && make_multi(curl) < 0) || wr_fault("curl_multi_add_handle") ||
        curl_multi_add_handle(curl->multi, transfer->easy) != CURLM_OK) {
        return WEIR_ENOMEM;
    }
    transfer->queued = false;
    transfer->opening = true;
    curl->opening++;
    wr_list_remove(&transfer->link);
    wr_list_append(&curl->transfers, &transfer->link);
    return 0;
}

static void open_queued(struct wr_curl *curl)
{
    while (curl->opening < OPENING_MAX && !wr_list_empty(&curl->queue)) {
        struct wr_transfer *transfer = WR_OWNER(curl->queue.next, struct wr_transfer, link);
        if (open_transfer(curl, transfer) < 0) {
            finish(transfer, CURLE_OUT_OF_MEMORY);
        }
    }
}

static void work(struct wr_deferred *deferred)
{
    struct wr_curl *curl = WR_OWNER(deferred, struct wr_curl, work);
    struct wr_list *node;
    while (!curl->broken && (node = wr_list_take(&curl->unpause)) != NULL) {
        unpause(curl, WR_OWNER(node, struct wr_transfer, unpause_link));
        if (wr_curl_fds_unmute(curl) < 0) {
            curl->broken = true;
        }
        /* libcurl has asked to be called at once, to read on: no poll is needed before that. */
        if (curl->soon.active && curl->useless_timeouts == 0) {
            wr_timer_stop(curl->loop, &curl->soon);
            act(curl, CURL_SOCKET_TIMEOUT, 0);
        }
    }
    while (!curl->broken && (node = wr_list_take(&curl->ready)) != NULL) {
        serve(curl, WR_OWNER(node, struct curl_fd, ready_link));
    }
    if (curl->timer_due) {
        curl->timer_due = false;
        act(curl, CURL_SOCKET_TIMEOUT, 0);
    }
    if (curl->broken) {
        rebuild(curl);
    }
    open_queued(curl);
}

static void due_at_once(struct wr_timer *timer)
{
    struct wr_curl *curl = WR_OWNER(timer, struct wr_curl, soon);
    act(curl, CURL_SOCKET_TIMEOUT, 0);
    if (curl->broken) {
        rebuild(curl);
    }
}

/* ---- the bridge's life */

static void on_closed(uv_handle_t *handle)
{
    struct wr_curl *curl = handle->data;
    if (--curl->closing == 0) {
        wr_free(curl);
    }
}

static void curl_end(struct weir_loop *loop, struct wr_service *service)
{
    struct wr_curl *curl = WR_OWNER(service, struct wr_curl, service);
    (void)loop;
    while (!wr_list_empty(&curl->transfers)) {
        finish(WR_OWNER(curl->transfers.next, struct wr_transfer, link), CURLE_ABORTED_BY_CALLBACK);
    }
    while (!wr_list_empty(&curl->queue)) {
        finish(WR_OWNER(curl->queue.next, struct wr_transfer, link), CURLE_ABORTED_BY_CALLBACK);
    }
    if (curl->multi != NULL) {
        curl_multi_cleanup(curl->multi);
    }
    wr_timer_stop(curl->loop, &curl->soon);
    wr_list_remove(&curl->work.link);
    curl->loop = NULL;
    curl->closing = 2;
    wr_curl_fds_close(curl, on_closed);
    uv_close((uv_handle_t *)&curl->timer, on_closed);
}

static struct wr_curl *curl_of(struct weir_loop *loop)
{
    struct wr_service *found = wr_service_find(loop, curl_end);
    if (found != NULL) {
        return WR_OWNER(found, struct wr_curl, service);
    }
    uv_once(&global_once, global_init);
    struct wr_curl *curl = global_rc == CURLE_OK ? wr_zalloc(sizeof *curl) : NULL;
    if (curl == NULL) {
        return NULL;
    }
    curl->loop = loop;
    wr_list_init(&curl->ready);
    wr_list_init(&curl->muted);
    wr_list_init(&curl->transfers);
    wr_list_init(&curl->queue);
    wr_list_init(&curl->unpause);
    wr_deferred_init(&curl->work, work);
    wr_timer_init(&curl->soon, due_at_once);
    if (wr_curl_fds_init(curl) < 0) {
        wr_free(curl);
        return NULL;
    }
    uv_timer_init(loop->uv, &curl->timer);
    uv_unref((uv_handle_t *)&curl->timer);
    curl->timer.data = curl;
    curl->service.end = curl_end;
    wr_service_add(loop, &curl->service);
    return curl;
}

/* ---- for sources and sinks */

void wr_transfer_init(struct wr_transfer *transfer)
{
    *transfer = (struct wr_transfer){.easy = NULL};
    wr_list_init(&transfer->link);
    wr_list_init(&transfer->unpause_link);
}

struct start_call {
    struct weir_loop *loop;
    struct wr_transfer *transfer;
    int rc;
};

static void start_here(void *arg)
{
    struct start_call *call = arg;
    struct wr_transfer *transfer = call->transfer;
    struct wr_curl *curl = curl_of(call->loop);
    call->rc = WEIR_ENOMEM;
    if (curl == NULL) {
        return;
    }
    curl->count++;
    transfer->curl = curl;
    set_options(transfer);
    transfer->paused = false;
    transfer->counted = true;
    transfer->queued = true;
    curl->loop->fds_waited++;
    wr_list_append(&curl->queue, &transfer->link);
    call->rc = 0;
    if (curl->opening < OPENING_MAX && open_transfer(curl, transfer) < 0) {
        take_out(transfer);
        call->rc = WEIR_ENOMEM;
    }
}

static void stop_here(void *arg)
{
    take_out(arg);
}

int wr_transfer_start(struct weir_loop *loop, struct wr_transfer *transfer)
{
    WR_ASSERT(transfer->curl == NULL, "this transfer is already running");
    struct start_call call = {.loop = loop, .transfer = transfer};
    wr_call_on_loop_stack(loop, start_here, &call);
    return call.rc;
}

void wr_transfer_stop(struct wr_transfer *transfer)
{
    if (transfer->curl != NULL) {
        wr_call_on_loop_stack(transfer->curl->loop, stop_here, transfer);
    }
}

void wr_transfer_unpause(struct wr_transfer *transfer)
{
    struct wr_curl *curl = transfer->curl;
    if (curl != NULL && transfer->paused && wr_list_empty(&transfer->unpause_link)) {
        wr_list_append(&curl->unpause, &transfer->unpause_link);
        wr_defer(curl->loop, &curl->work);
    }
}

void wr_transfer_acknowledge(struct wr_transfer *transfer)
{
    int fd = wr_curl_fd_of(transfer->curl, transfer->easy);
    if (fd >= 0) {
        wr_tcp_acknowledge(fd);
    }
}

const char *wr_curl_version(void)
{
    return curl_version();
}
