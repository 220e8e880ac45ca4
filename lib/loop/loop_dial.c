/*
 * loop_dial.c - connecting with the options of a socket.
 *
 * One time limit covers the name lookup, the connection and the handshake. TLS options with an
 * address without TLS are refused when the object is made: to send plain bytes where TLS was
 * requested would be worse than to send none. The certificates are read at connect time, before the
 * connection is made: so an unusable file is found without the peer.
 */
#include "loop_dial.h"

#include <string.h>

#include "base_alloc.h"
#include "base_option.h"
#include "codec_address.h"
#include "loop_tls.h"
#include "loop_tunnel.h"
#include "loop_ws.h"

enum { CONNECT_MS = 10000 };

static const char tls_scheme[] = "tls://";

struct wr_dial_tls {
    struct wr_tls_options options;
    char *server_name;
};

/* The part after tls://; NULL: another kind of address. */
static const char *tls_host(const char *address)
{
    size_t len = sizeof tls_scheme - 1;
    return strncmp(address, tls_scheme, len) == 0 ? address + len : NULL;
}

static int options_wrong(weir_error *error, const char *address, const weir_socket_options *o)
{
    bool tls = tls_host(address) != NULL;
    if (wr_limit_wrong(error, address, "connect_ms", o->connect_ms) ||
        wr_choice_wrong(error, address, "tls", o->tls, WEIR_TLS_TRUST_ANYBODY)) {
        return error->code;
    }
    if (!tls && (o->tls != WEIR_TLS_VERIFY || o->ca_file != NULL || o->ca_folder != NULL ||
                 o->cert_file != NULL || o->key_file != NULL || o->server_name != NULL)) {
        return wr_error_set(
            error, WEIR_EINVAL, 0, address,
            "TLS options are set, but the address is not a TLS address: use tls://HOST:PORT");
    }
    if (o->key_file != NULL && o->cert_file == NULL) {
        return wr_error_set(error, WEIR_EINVAL, 0, address, "key_file is set, but not cert_file");
    }
    return 0;
}

/* Keep what is needed for TLS: the options, and the name that the peer's certificate must be for. */
static int take_tls(struct wr_dial *dial, const weir_socket_options *options, weir_error *error)
{
    struct wr_tls_options tls = {.ca_file = options->ca_file,
                                 .ca_folder = options->ca_folder,
                                 .cert_file = options->cert_file,
                                 .key_file = options->key_file,
                                 .trust_anybody = options->tls == WEIR_TLS_TRUST_ANYBODY};
    const char *name = options->server_name;
    struct wr_text host;
    uint16_t port;
    if (!wr_address_split(wr_text_of(tls_host(dial->address)), &host, &port) || host.len == 0) {
        return wr_error_set(error, WEIR_EINVAL, 0, "address", "'%s' is not tls://HOST:PORT",
                            dial->address);
    }
    dial->tls = wr_zalloc(sizeof *dial->tls);
    if (dial->tls == NULL || !wr_tls_options_copy(&dial->tls->options, &tls)) {
        return WEIR_ENOMEM;
    }
    dial->tls->server_name = name != NULL ? wr_strdup(name) : wr_alloc(host.len + 1);
    if (dial->tls->server_name != NULL && name == NULL) {
        memcpy(dial->tls->server_name, host.data, host.len);
        dial->tls->server_name[host.len] = '\0';
    }
    return dial->tls->server_name != NULL ? 0 : WEIR_ENOMEM;
}

int wr_dial_init(struct wr_dial *dial, const char *address, const weir_socket_options *options,
                 weir_error *error)
{
    *dial =
        (struct wr_dial){.connect_ms = options->connect_ms != 0 ? options->connect_ms : CONNECT_MS};
    wr_error_clear(error);
    if (options_wrong(error, address, options) < 0) {
        return error->code;
    }
    dial->address = wr_strdup(address);
    int rc = dial->address != NULL ? 0 : WEIR_ENOMEM;
    if (rc == 0 && tls_host(address) != NULL) {
        rc = take_tls(dial, options, error);
    }
    if (rc < 0 && error->code == 0) {
        wr_error_set(error, rc, 0, address, "no memory for an address");
    }
    return rc;
}

void wr_dial_fini(struct wr_dial *dial)
{
    wr_free(dial->address);
    if (dial->tls != NULL) {
        wr_tls_options_free(&dial->tls->options);
        wr_free(dial->tls->server_name);
        wr_free(dial->tls);
    }
    *dial = (struct wr_dial){.address = NULL};
}

static struct wr_transport *reach(const struct wr_dial *dial, struct weir_loop *loop,
                                  const char *peer, struct wr_object *of, weir_error *error)
{
    return dial->tunnel != NULL
               ? wr_tunnel_connect(loop, dial->tunnel, peer, dial->connect_ms, of, error)
               : wr_tcp_connect(loop, peer, dial->connect_ms, of, error);
}

static struct wr_transport *dial_tls(const struct wr_dial *dial, struct weir_loop *loop,
                                     struct wr_object *of, weir_error *error)
{
    const char *peer = tls_host(dial->address);
    struct wr_tls *tls = wr_tls_new(loop, WR_TLS_CLIENT, &dial->tls->options, error);
    if (tls == NULL) {
        return NULL;
    }
    wr_time_update(loop);
    int64_t began_ns = wr_now_ns(loop), limit_ms = dial->connect_ms;
    struct wr_transport *transport = reach(dial, loop, peer, of, error);
    if (transport != NULL) {
        if (limit_ms >= 0) {
            limit_ms = WR_MAX(limit_ms - (wr_now_ns(loop) - began_ns) / 1000000, 0);
        }
        transport = wr_tls_start(tls, transport, dial->tls->server_name, peer, limit_ms, of, error);
        loop->stats.connects -= transport == NULL; /* a connection without a handshake
                                                      does not count */
    }
    wr_tls_unref(tls);
    return transport;
}

struct wr_transport *wr_dial(const struct wr_dial *dial, struct weir_loop *loop,
                             struct wr_object *of, weir_error *error)
{
    struct wr_transport *transport =
        dial->tls != NULL      ? dial_tls(dial, loop, of, error)
        : dial->tunnel != NULL ? reach(dial, loop, dial->address + strlen("tcp://"), of, error)
                               : wr_connect(loop, dial->address, dial->connect_ms, of, error);
    return transport == NULL || dial->ws == NULL
               ? transport
               : wr_ws_start(transport, dial->ws, dial->connect_ms, of, error);
}
