/*
 * source_listen_open.c - the components tcp-listen, tls-listen and unix-listen.
 *
 * Nothing here suspends, and the first pull listens.
 */
#include <weir/module.h>

#include <stdio.h>
#include <string.h>

#include "flow_gen.h"
#include "loop_transport.h"
#include "source_listen.h"
#include "source_opening.h"

struct listen_args {
    const char *address; /* HOST:PORT, or a path */
    int64_t peers_max, idle_ms;
    const char *cert_file, *key_file, *client_ca_file; /* tls */
    const char *mode;                                  /* unix: octal */
};

/* "0660"; -1: it is no mode. */
static int32_t mode_of(const char *text)
{
    int32_t mode = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '7' || mode > 077) {
            return -1;
        }
        mode = mode * 8 + (*c - '0');
    }
    return mode > 0 ? mode : -1;
}

static weir_gen *open_as(const weir_opening *opening, const struct listen_args *a,
                         const char *scheme)
{
    char address[512];
    weir_lines_options lines = wr_lines_of_opening(opening);
    const weir_listen_options options = {.struct_size = sizeof options,
                                         .peers_max = a->peers_max,
                                         .idle_ms = a->idle_ms,
                                         .line_bytes_max = lines.line_bytes_max,
                                         .overlong = lines.overlong,
                                         .mode = a->mode != NULL ? mode_of(a->mode) : 0,
                                         .cert_file = a->cert_file,
                                         .key_file = a->key_file,
                                         .client_ca_file = a->client_ca_file};
    if (snprintf(address, sizeof address, "%s%s", scheme, a->address) >= (int)sizeof address) {
        weir_error error;
        wr_error_set(&error, WEIR_EINVAL, 0, "listen", "the address is too long");
        return wr_gen_failed(opening->scope, &error);
    }
    return opening->joined ? weir_listen_bytes(opening->scope, address, &options)
                           : weir_listen_lines(opening->scope, address, &options);
}

static int check_address(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct listen_args *a = args;
    (void)opening;
    if (wr_listen_can(a->address)) {
        return 0;
    }
    (void)weir_mistake_at(mistake, "HOST:PORT", "it listens on an address of this machine");
    return weir_mistake_hint(mistake, "write :5514 for this machine only, 0.0.0.0:5514 or "
                                      "[::]:5514 to be reachable from others, or the address of "
                                      "an interface");
}

#define PEERS                                                                               \
    WEIR_ARG_COUNT(struct listen_args, peers_max, .name = "peers", .form = WEIR_FORM_NAMED, \
                   .min = 1, .max = 1000000, .preset = "1024",                              \
                   .help = "connections at once; others wait"),                             \
        WEIR_ARG_TIME(struct listen_args, idle_ms, .name = "idle", .form = WEIR_FORM_NAMED, \
                      .min = 1,                                                             \
                      .help = "silence after which a peer is closed; never if not given")
#define HOST_PORT                                                                                \
    WEIR_ARG_ADDRESS(struct listen_args, address, .name = "HOST:PORT",                           \
                     .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ANY_HOST,                             \
                     .help = "without HOST: this machine only; 0.0.0.0 or [::]: reachable from " \
                             "others; port 0: a free one, which is reported")

#define BREAKS \
    "a peer that leaves or is reset ends its own lines only; what it had not sent is not known"

static const char *const metas[] = {"peer", "host", NULL};

/* ---- tcp */

static weir_gen *tcp_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)up;
    return open_as(opening, args, "tcp://");
}

static const weir_arg tcp_args[] = {HOST_PORT, PEERS};
static const weir_example tcp_more[] = {
    {"tcp-listen :5514 | syslog | set .peer = $meta.peer | ndjson | file ./all.ndjson", NULL},
    {NULL, NULL},
};

const weir_component wr_component_tcp_listen = {
    .struct_size = sizeof wr_component_tcp_listen,
    .name = "tcp-listen",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_ENDLESS,
    .args = tcp_args,
    .args_count = sizeof tcp_args / sizeof tcp_args[0],
    .args_size = sizeof(struct listen_args),
    .help = "The lines of all who connect, in turns; $meta.peer is who sent it.",
    .example = "tcp-listen :9000 | head 3",
    .on_break = BREAKS,
    .check = check_address,
    .open = tcp_open,
    .more_examples = tcp_more,
    .meta = metas,
};

/* ---- tls */

static weir_gen *tls_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)up;
    return open_as(opening, args, "tls://");
}

static const weir_arg tls_args[] = {
    HOST_PORT,
    WEIR_ARG_PATH(struct listen_args, cert_file, .name = "cert", .form = WEIR_FORM_NAMED,
                  .flags = WEIR_ARG_REQUIRED,
                  .help = "a PEM file with the certificate and the intermediate ones"),
    WEIR_ARG_PATH(struct listen_args, key_file, .name = "key", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file with the private key (the file of cert=)"),
    WEIR_ARG_PATH(struct listen_args, client_ca_file, .name = "cacert", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file: only clients with a certificate of these authorities"),
    PEERS,
};

const weir_component wr_component_tls_listen = {
    .struct_size = sizeof wr_component_tls_listen,
    .name = "tls-listen",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_ENDLESS,
    .args = tls_args,
    .args_count = sizeof tls_args / sizeof tls_args[0],
    .args_size = sizeof(struct listen_args),
    .help = "The lines of all who connect over TLS, in turns; $meta.peer is who sent it.",
    .example = "tls-listen :6514 cert=./server.pem key=./server.key | head 3",
    .on_break = BREAKS,
    .check = check_address,
    .open = tls_open,
    .meta = metas,
};

/* ---- unix */

static int check_unix(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct listen_args *a = args;
    (void)opening;
    if (a->mode != NULL && mode_of(a->mode) < 0) {
        return weir_mistake_at(mistake, "mode", "it is an octal number, as in mode=0660");
    }
    return 0;
}

static weir_gen *unix_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    (void)up;
    return open_as(opening, args, "unix:");
}

static const weir_arg unix_args[] = {
    WEIR_ARG_PATH(struct listen_args, address, .name = "PATH", .flags = WEIR_ARG_REQUIRED,
                  .help = "of the socket, which is made, and removed at the end"),
    WEIR_ARG_TEXT(struct listen_args, mode, .name = "mode", .form = WEIR_FORM_NAMED,
                  .preset = "0600", .help = "who may connect, as for chmod"),
    PEERS,
};

const weir_component wr_component_unix_listen = {
    .struct_size = sizeof wr_component_unix_listen,
    .name = "unix-listen",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_LINE,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_FRAMED | WEIR_TRAIT_ENDLESS,
    .args = unix_args,
    .args_count = sizeof unix_args / sizeof unix_args[0],
    .args_size = sizeof(struct listen_args),
    .help = "The lines of all who connect to a local socket, in turns; $meta.peer is who sent it.",
    .example = "unix-listen ./log.sock | head 3",
    .on_break = BREAKS,
    .check = check_unix,
    .open = unix_open,
    .meta = metas,
};
