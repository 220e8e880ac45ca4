/*
 * source_syslog.c - the component syslog-listen: syslog messages from all who send datagrams to a port
 * or connect to it.
 *
 * It is made of what stands alone, too: udp and tcp-listen (or tls-listen) at one address, merged, and
 * syslog behind them. Each connection's bytes are cut by the framer of RFC 6587, a datagram is a
 * message. The listener is pulled first, and listens then; so the port that it gets for port 0 is
 * known when the datagrams' socket is opened (struct wr_udp_port).
 *
 * Nothing here suspends.
 */
#include <weir/module.h>
#include <weir/socket.h>
#include <weir/stage.h>

#include <stdio.h>
#include <string.h>

#include "base_alloc.h"
#include "flow_gen.h"
#include "source_listen.h"
#include "source_udp.h"

extern const weir_component wr_component_syslog;

enum { DATAGRAM_BYTES = 65535 };

struct syslog_listen_args {
    const char *address, *group, *interface, *source;
    const char *cert_file, *key_file, *client_ca_file;
    int64_t peers_max, idle_ms, buffer_bytes, bytes_max;
    int32_t overlong; /* an index of long_choices */
};

static void listening(void *ctx, const char *address)
{
    struct wr_udp_port *port = ctx;
    (void)wr_copy_text(port->text, sizeof port->text, strrchr(address, ':'));
}

static weir_gen *datagrams_open(const weir_opening *opening, const struct syslog_listen_args *a,
                                bool fails)
{
    const weir_udp_options options = {.struct_size = sizeof options,
                                      .group = a->group,
                                      .interface = a->interface,
                                      .source = a->source,
                                      .buffer_bytes = a->buffer_bytes,
                                      .datagram_bytes_max =
                                          WR_MIN(a->bytes_max, (int64_t)DATAGRAM_BYTES),
                                      .overlong = fails ? WEIR_LONG_FAILS : WEIR_LONG_SKIP};
    return weir_udp_messages(opening->scope, a->address, &options);
}

static weir_gen *connections_open(const weir_opening *opening, const struct syslog_listen_args *a,
                                  bool fails, struct wr_udp_port *port)
{
    char address[512];
    const weir_listen_options options = {.struct_size = sizeof options,
                                         .peers_max = a->peers_max,
                                         .idle_ms = a->idle_ms,
                                         .overlong = fails ? WEIR_LONG_FAILS : WEIR_LONG_SKIP,
                                         .cert_file = a->cert_file,
                                         .key_file = a->key_file,
                                         .client_ca_file = a->client_ca_file,
                                         .listening = listening,
                                         .ctx = port};
    const weir_framing framing = {.struct_size = sizeof framing,
                                  .kind = WEIR_FRAME_SYSLOG,
                                  .overlong = options.overlong,
                                  .item_bytes_max = a->bytes_max};
    const char *scheme = a->cert_file != NULL ? "tls://" : "tcp://";
    (void)snprintf(address, sizeof address, "%s%s", scheme, a->address);
    weir_gen *gen = weir_listen_bytes(opening->scope, address, &options);
    port->refs++;
    wr_listen_own_ctx(gen, port, wr_udp_port_unref);
    return weir_framed(gen, &framing);
}

/* Read what comes from both as syslog. */
static void decode(weir_opening opening, weir_gen *both, weir_gen **made)
{
    static const int64_t defaults[8]; /* of the arguments of syslog: none is given */
    WR_ASSERT(wr_component_syslog.args_size <= sizeof defaults, "more arguments than are known");
    opening.shape = WEIR_SHAPE_LINE | WEIR_SHAPE_MESSAGE;
    opening.joined = 0;
    *made = wr_component_syslog.open(&opening, both, defaults);
}

static weir_gen *syslog_listen_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct syslog_listen_args *a = args;
    bool fails = a->overlong == 1 || opening->strict;
    weir_gen *made = NULL;
    (void)up;
    struct wr_udp_port *port = wr_zalloc(sizeof *port);
    if (port == NULL) {
        return wr_gen_made(NULL, NULL);
    }
    port->refs = 1;
    weir_gen *gens[2] = {connections_open(opening, a, fails, port),
                         datagrams_open(opening, a, fails)};
    wr_udp_share_port(gens[1], port);
    wr_udp_port_unref(port);
    decode(*opening, weir_merge(opening->scope, gens, 2), &made);
    return made;
}

static int syslog_listen_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct syslog_listen_args *a = args;
    union wr_peer at;
    (void)opening;
    if (wr_peer_read(a->address, &at) == 0) {
        (void)weir_mistake_at(mistake, "HOST:PORT", "'%s' is not an address of this machine",
                              a->address);
        return weir_mistake_hint(mistake, "write :5514 for this machine only, or 0.0.0.0:5514 or "
                                          "[::]:5514 to be reached by others");
    }
    if (a->cert_file == NULL && (a->key_file != NULL || a->client_ca_file != NULL)) {
        return weir_mistake_at(mistake, a->key_file != NULL ? "key" : "cacert",
                               "it is for TLS, which needs cert=");
    }
    if (a->source != NULL && a->group == NULL) {
        return weir_mistake_at(mistake, "source",
                               "it says who sends to a group, but there is none: group=ADDRESS");
    }
    return 0;
}

static const char *syslog_listen_says(const weir_opening *opening, const void *args)
{
    const struct syslog_listen_args *a = args;
    union wr_peer at;
    (void)opening;
    if (wr_peer_read(a->address, &at) > 0 && wr_peer_is_loopback(&at) && a->group == NULL) {
        return a->cert_file != NULL ? "only this machine can send to it; connections use TLS, "
                                      "datagrams are in the clear"
                                    : "only this machine can send to it; 0.0.0.0:PORT is for "
                                      "others, too";
    }
    return a->cert_file != NULL ? "other machines can send to it; connections use TLS, datagrams "
                                  "are in the clear"
                                : "other machines can send to it, and nothing is encrypted";
}

static const char *const long_choices[] = {"skip", "fail", NULL};
static const weir_arg syslog_listen_args[] = {
    WEIR_ARG_ADDRESS(struct syslog_listen_args, address, .name = "HOST:PORT",
                     .flags = WEIR_ARG_REQUIRED | WEIR_ARG_ANY_HOST,
                     .help = "without HOST: this machine only; 0.0.0.0 or [::]: reachable from "
                             "others; port 0: a free one, which is reported"),
    WEIR_ARG_COUNT(struct syslog_listen_args, peers_max, .name = "peers", .form = WEIR_FORM_NAMED,
                   .min = 1, .max = 1000000, .preset = "1024",
                   .help = "connections at once; others wait"),
    WEIR_ARG_TIME(struct syslog_listen_args, idle_ms, .name = "idle", .form = WEIR_FORM_NAMED,
                  .min = 1, .help = "silence after which a peer is closed; never if not given"),
    WEIR_ARG_SIZE(struct syslog_listen_args, buffer_bytes, .name = "buffer",
                  .form = WEIR_FORM_NAMED, .min = 1, .max = 1 << 30,
                  .help = "of the kernel for datagrams; 4MiB if not given"),
    WEIR_ARG_SIZE(struct syslog_listen_args, bytes_max, .name = "max", .form = WEIR_FORM_NAMED,
                  .min = 1,
                  .help = "bytes of a message; 64KiB of a datagram, and else 1MiB if not given"),
    WEIR_ARG_CHOICE(struct syslog_listen_args, overlong, .name = "on-long", .form = WEIR_FORM_NAMED,
                    .choices = long_choices, .preset = "skip",
                    .help = "what to do with a longer one"),
    WEIR_ARG_TEXT(struct syslog_listen_args, group, .name = "group", .form = WEIR_FORM_NAMED,
                  .help = "a multicast address to join, for datagrams"),
    WEIR_ARG_TEXT(struct syslog_listen_args, interface, .name = "interface",
                  .form = WEIR_FORM_NAMED,
                  .help = "receive datagrams at this one only, and join the group there"),
    WEIR_ARG_TEXT(struct syslog_listen_args, source, .name = "source", .form = WEIR_FORM_NAMED,
                  .help = "receive only the datagrams that this address sends to the group"),
    WEIR_ARG_PATH(struct syslog_listen_args, cert_file, .name = "cert", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file with the certificate: connections use TLS then"),
    WEIR_ARG_PATH(struct syslog_listen_args, key_file, .name = "key", .form = WEIR_FORM_NAMED,
                  .help = "a PEM file with the private key (the file of cert=)"),
    WEIR_ARG_PATH(struct syslog_listen_args, client_ca_file, .name = "cacert",
                  .form = WEIR_FORM_NAMED,
                  .help = "a PEM file: only clients with a certificate of these authorities"),
};
static const weir_example syslog_listen_more[] = {
    {"syslog-listen 0.0.0.0:514 | set .from = $meta.host | ndjson | file ./all.ndjson", NULL},
    {NULL, NULL},
};

const weir_component wr_component_syslog_listen = {
    .struct_size = sizeof wr_component_syslog_listen,
    .name = "syslog-listen",
    .kind = WEIR_KIND_SOURCE,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WEIR_TRAIT_IO | WEIR_TRAIT_CPU | WEIR_TRAIT_ENDLESS | WEIR_TRAIT_REJECTS,
    .args = syslog_listen_args,
    .args_count = sizeof syslog_listen_args / sizeof syslog_listen_args[0],
    .args_size = sizeof(struct syslog_listen_args),
    .help = "Syslog messages (RFC 5424, RFC 3164), sent as datagrams or over connections to one "
            "port: records, as of syslog, with the sender in $meta.peer and $meta.host. Over a "
            "connection each is a line or has its length before it (RFC 6587). What the kernel "
            "drops while datagrams are read too slowly counts as dropped.",
    .example = "syslog-listen :5514 | where .severity <= 3 | ndjson",
    .on_break = "a peer that leaves ends its own messages only; a datagram that is lost on the way "
                "is not noticed",
    .check = syslog_listen_check,
    .open = syslog_listen_open,
    .more_examples = syslog_listen_more,
    .says = syslog_listen_says,
};
