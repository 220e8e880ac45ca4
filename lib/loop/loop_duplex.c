/*
 * loop_duplex.c - a connection and its ends.
 *
 * States: not connected, connecting (at the first use, by the end that came first; the other one
 * waits for it), connected, closed. The ends may end in any order. When the writing end ends first,
 * the end of the stream is sent to the peer and the reading end continues. When the reading end
 * ends first, further input is read and dropped. The last end waits until the peer has taken
 * everything (loop_socket.c), then closes.
 *
 * While one end is suspended, the other may end. So after each suspension an end reads the state
 * from here again.
 */
#include "loop_duplex.h"

#include <weir/socket.h>

#include "base_alloc.h"
#include "loop_redial.h"
#include "loop_scope.h"
#include "loop_wait.h"

enum { DRAIN_MS = 10000 };

static weir_error out_of_memory = {
    .code = WEIR_ENOMEM, .origin = "socket", .message = "no memory for a socket"};
static struct weir_socket no_memory = {.failure = &out_of_memory};

static void keep_failure(struct weir_socket *socket, const weir_error *error)
{
    socket->failure = wr_alloc(sizeof *socket->failure);
    if (socket->failure == NULL) {
        socket->failure = &out_of_memory;
    } else {
        *socket->failure = *error;
    }
}

static void unref(struct weir_socket *socket)
{
    if (--socket->refs > 0) {
        return;
    }
    wr_socket_close(&socket->socket);
    wr_dial_fini(&socket->dial);
    if (socket->failure != &out_of_memory) {
        wr_free(socket->failure);
    }
    wr_free(socket);
}

/* Make a socket at the beginning of a struct of this size. */
static struct weir_socket *make(struct weir_loop *loop, size_t size, const char *address,
                                const weir_socket_options *options, weir_error *error)
{
    struct weir_socket *socket = wr_zalloc(size);
    if (socket == NULL) {
        *error = out_of_memory;
        return NULL;
    }
    socket->loop = socket->socket.loop = loop;
    socket->refs = 1;
    (void)wr_dial_init(&socket->dial, address, options, error);
    socket->retries = options->retries;
    socket->frame = options->frame;
    return socket;
}

/* ---- the program's handle */

struct program_socket {
    struct weir_socket socket;
    struct wr_object object; /* in the program's scope, while an end can still be made */
};

static struct wr_object *object_of(struct weir_socket *socket)
{
    return &WR_OWNER(socket, struct program_socket, socket)->object;
}

/* No other end can be made after this. */
static void leave_scope(struct weir_socket *socket)
{
    wr_object_fini(object_of(socket));
    socket->open = false;
    if (socket->socket.transport != NULL && socket->ends[WR_END_READS] == NULL &&
        socket->ends[WR_END_WRITES] != NULL) {
        wr_socket_drop_input(&socket->socket);
    }
    unref(socket);
}

static void object_discard(struct wr_object *object)
{
    leave_scope(&WR_OWNER(object, struct program_socket, object)->socket);
}

static const struct wr_object_ops handle_ops = {.kind = "socket", .discard = object_discard};

weir_socket *weir_socket_new(weir_scope *scope, const char *address,
                             const weir_socket_options *options)
{
    weir_socket_options o = WEIR_ZERO;
    weir_error error;
    wr_scope_given(scope, "weir_socket_new");
    WR_ASSERT(address != NULL, "the address is NULL");
    if (options != NULL) {
        WR_TAKE_OPTIONS(o, options);
    }
    struct weir_socket *socket =
        make(scope->loop, sizeof(struct program_socket), address, &o, &error);
    if (socket == NULL) {
        return &no_memory;
    }
    if (error.code != 0) {
        keep_failure(socket, &error);
    }
    socket->open = true;
    wr_object_init(object_of(socket), &handle_ops, scope,
                   socket->dial.address != NULL ? socket->dial.address : "socket");
    return socket;
}

/* ---- ends */

static int refuse(weir_error *error, const char *what)
{
    return wr_error_set(error, WEIR_EINVAL, 0, "socket", "%s", what);
}

static int check(const struct weir_socket *socket, enum wr_end end, const char *address,
                 const weir_socket_options *o, weir_error *error)
{
    wr_error_clear(error);
    if (socket->failure != NULL) {
        *error = *socket->failure;
    } else if (address != NULL) {
        (void)refuse(error, "both an address and a socket are given: one of them must be NULL");
    } else if (o->tls != 0 || o->ca_file != NULL || o->ca_folder != NULL || o->cert_file != NULL ||
               o->key_file != NULL || o->server_name != NULL || o->connect_ms != 0) {
        (void)refuse(error, "options for connecting belong to weir_socket_new, not to this call");
    } else if (socket->made[end]) {
        (void)refuse(error, end == WR_END_READS ? "the socket already has a source"
                                                : "the socket already has a sink");
    }
    return error->code;
}

struct weir_socket *wr_duplex_take(struct weir_loop *loop, enum wr_end end, const char *address,
                                   const weir_socket_options *options, struct wr_object *of,
                                   weir_error *error)
{
    struct weir_socket *socket = options->socket;
    if (socket == NULL) {
        if (address == NULL) {
            (void)refuse(error, "neither an address nor a socket is given");
            return NULL;
        }
        socket = make(loop, sizeof *socket, address, options, error);
        if (socket != NULL && error->code != 0) {
            unref(socket);
            socket = NULL;
        }
    } else if (check(socket, end, address, options, error) < 0) {
        return NULL;
    } else {
        WR_ASSERT(socket->loop == loop, "the socket belongs to another loop");
        socket->refs++;
    }
    if (socket == NULL) {
        return NULL;
    }
    socket->made[end] = true;
    socket->ends[end] = of;
    if (socket->open && socket->made[!end]) {
        leave_scope(socket);
    }
    return socket;
}

const char *wr_duplex_name(const char *address, const weir_socket_options *options)
{
    const char *of_socket = options->socket != NULL ? options->socket->dial.address : NULL;
    return address != NULL ? address : of_socket != NULL ? of_socket : "socket";
}

/* A connection of a sink alone is made again when it is lost. */
static struct wr_transport *dial_again(struct weir_socket *socket, struct wr_transport *first,
                                       weir_error *error)
{
    struct wr_object *of = socket->ends[WR_END_WRITES];
    const struct wr_redial_options options = {.dial = &socket->dial,
                                              .name = of->name,
                                              .frame = socket->frame,
                                              .retries = socket->retries};
    struct wr_transport *transport = wr_redial_transport(socket->loop, first, error, &options);
    if (transport == NULL) {
        *error = out_of_memory;
        return NULL;
    }
    int rc =
        first != NULL ? 0 : transport->ops->wait(transport, WR_WRITABLE, -1, "a connection", of);
    if (rc < 0) {
        const char *reason = transport->reason;
        wr_error_set(error, rc == WEIR_ELOST ? WEIR_ECONNECT : rc, 0, error->origin, "%s",
                     reason != NULL ? reason : wr_code_text(rc));
        transport->ops->free(transport);
        return NULL;
    }
    wr_error_clear(error);
    return transport;
}

static bool dials_again(const struct weir_socket *socket, const struct wr_transport *first,
                        const weir_error *error)
{
    bool alone = !socket->open && socket->ends[WR_END_READS] == NULL;
    bool may_pass = error->code == WEIR_ECONNECT || error->code == WEIR_ERESOLVE ||
                    error->code == WEIR_ETIMEDOUT;
    bool again = socket->retries != 0 || (socket->dial.ws != NULL && first != NULL);
    return alone && again && (first != NULL || (socket->retries > 0 && may_pass));
}

/* Connect on behalf of this end. */
static void dial(struct weir_socket *socket, enum wr_end end, weir_error *error)
{
    socket->connecting = true;
    struct wr_transport *transport = wr_dial(&socket->dial, socket->loop, socket->ends[end], error);
    if (dials_again(socket, transport, error)) {
        transport = dial_again(socket, transport, error);
    }
    socket->connecting = false;
    socket->socket.transport = transport;
    bool mine = error->code == WEIR_ECANCELED || error->code == WEIR_ECLOSED;
    if (transport == NULL && !mine && (socket->open || socket->ends[!end] != NULL)) {
        keep_failure(socket, error);
    }
    if (socket->ends[!end] != NULL) {
        wr_object_wake(socket->ends[!end]);
    }
}

struct wr_transport *wr_duplex_open(struct weir_socket *socket, enum wr_end end, weir_error *error)
{
    wr_error_clear(error);
    while (socket->connecting) {
        int rc = wr_wait(socket->loop, "a connection", socket->ends[end]);
        if (rc < 0) {
            wr_error_set(error, rc, 0, "socket", "%s", wr_code_text(rc));
            return NULL;
        }
    }
    if (socket->failure != NULL) {
        *error = *socket->failure;
        return NULL;
    }
    if (socket->socket.transport == NULL) {
        dial(socket, end, error);
    }
    struct wr_transport *transport = socket->socket.transport;
    if (transport == NULL || socket->open) {
        return transport;
    }
    if (socket->ends[WR_END_READS] == NULL) {
        wr_socket_drop_input(&socket->socket);
    } else if (!socket->made[WR_END_WRITES] && transport->ops->limit_silence != NULL) {
        transport->ops->limit_silence(transport);
    }
    return transport;
}

void wr_duplex_drop(struct weir_socket *socket)
{
    WR_ASSERT(!socket->open && (!socket->made[WR_END_READS] || !socket->made[WR_END_WRITES]),
              "the connection has another end");
    wr_socket_close(&socket->socket);
}

/* The last end: wait until the peer has taken everything. */
static int finish(struct weir_socket *socket, enum wr_end end, weir_error *error)
{
    int64_t drain_ms = wr_scope_drain_ms(socket->ends[end]->scope);
    socket->socket.of = socket->ends[end];
    wr_socket_drop_input(&socket->socket);
    return wr_socket_finish(&socket->socket, socket->written, drain_ms != 0 ? drain_ms : DRAIN_MS,
                            error);
}

static int end_writing(struct weir_socket *socket, bool proper, weir_error *error)
{
    if (!proper) {
        return 0;
    }
    if (socket->ends[WR_END_READS] == NULL) {
        return finish(socket, WR_END_WRITES, error);
    }
    socket->socket.shut = true;
    socket->socket.transport->ops->shut(socket->socket.transport);
    return 0;
}

static int end_reading(struct weir_socket *socket, bool proper, weir_error *error)
{
    if (socket->ends[WR_END_WRITES] != NULL) {
        wr_socket_drop_input(&socket->socket);
        return 0;
    }
    if (proper && socket->socket.shut) {
        return finish(socket, WR_END_READS, error);
    }
    if (!socket->made[WR_END_WRITES]) {
        socket->socket.transport->ops->shut(socket->socket.transport); /* lets TLS send
                                                                          close_notify */
    }
    return 0;
}

int wr_duplex_end(struct weir_socket *socket, enum wr_end end, bool proper, uint64_t written,
                  weir_error *error)
{
    int rc = 0;
    wr_error_clear(error);
    if (end == WR_END_WRITES) {
        socket->written = written;
    }
    if (socket->socket.transport != NULL) {
        rc = end == WR_END_WRITES ? end_writing(socket, proper, error)
                                  : end_reading(socket, proper, error);
    }
    socket->ends[end] = NULL;
    unref(socket);
    return rc;
}
