/*
 * flow_socket_args.c - the arguments of the components tcp, tls and unix, as sources and as sinks.
 *
 * Nothing here suspends.
 */
#include "flow_socket_args.h"

#define HOST_PORT                                                         \
    WEIR_ARG_ADDRESS(struct wr_socket_args, address, .name = "HOST:PORT", \
                     .flags = WEIR_ARG_REQUIRED, .help = "an IPv6 address in [ ]")

#define RETRY                                                                              \
    WEIR_ARG_COUNT(struct wr_socket_args, retry, .name = "retry", .form = WEIR_FORM_NAMED, \
                   .min = 1,                                                               \
                   .help = "maximum consecutive attempts to connect again; default: no "   \
                           "limit, but a failed first connection is not retried"),         \
        WEIR_ARG_FLAG(struct wr_socket_args, once, .name = "once",                         \
                      .help = "a lost connection ends the pipeline")
#define TLS_FILES                                                                                  \
    WEIR_ARG_PATH(struct wr_socket_args, ca_file, .name = "cacert", .form = WEIR_FORM_NAMED,       \
                  .help = "a PEM file of certificates to trust, instead of the system's"),         \
        WEIR_ARG_PATH(struct wr_socket_args, cert_file, .name = "cert", .form = WEIR_FORM_NAMED,   \
                      .help = "a PEM file with the certificate to send if the peer asks for one"), \
        WEIR_ARG_PATH(struct wr_socket_args, key_file, .name = "key", .form = WEIR_FORM_NAMED,     \
                      .help = "a PEM file with the private key (the file of cert=)"),              \
        WEIR_ARG_TEXT(struct wr_socket_args, server_name, .name = "name", .form = WEIR_FORM_NAMED, \
                      .help = "the name in the peer's certificate (HOST)")
#define UNIX_PATH                                                                             \
    WEIR_ARG_PATH(struct wr_socket_args, address, .name = "PATH", .flags = WEIR_ARG_REQUIRED, \
                  .help = "of the socket")

const weir_arg wr_tcp_args[1] = {HOST_PORT};
const weir_arg wr_tcp_sink_args[3] = {HOST_PORT, RETRY};

const weir_arg wr_tls_args[5] = {HOST_PORT, TLS_FILES};
const weir_arg wr_tls_sink_args[7] = {HOST_PORT, TLS_FILES, RETRY};

const weir_arg wr_unix_args[1] = {UNIX_PATH};
const weir_arg wr_unix_sink_args[3] = {UNIX_PATH, RETRY};

void wr_socket_args_tls(const struct wr_socket_args *args, const weir_opening *opening,
                        weir_socket_options *to)
{
    to->tls = opening->http->tls;
    to->ca_file = args->ca_file != NULL ? args->ca_file : opening->http->ca_file;
    to->ca_folder = args->ca_file != NULL ? NULL : opening->http->ca_folder;
    to->cert_file = args->cert_file;
    to->key_file = args->key_file;
    to->server_name = args->server_name;
}

/* key= without cert= has no effect. */
int wr_tls_args_check(const weir_opening *opening, const void *args, weir_mistake *mistake)
{
    const struct wr_socket_args *tls = args;
    (void)opening;
    return tls->key_file != NULL && tls->cert_file == NULL
               ? weir_mistake_at(mistake, "key", "key=FILE needs cert=FILE")
               : 0;
}
