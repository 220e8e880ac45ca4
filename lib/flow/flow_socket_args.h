/*
 * flow_socket_args.h - what the components of sockets share: the arguments in a pipeline's text,
 * and the socket options made from these arguments and the program's own. Internal.
 */
#ifndef WR_FLOW_SOCKET_ARGS_H
#define WR_FLOW_SOCKET_ARGS_H

#include <weir/module.h>

struct wr_socket_args {
    const char *address;
    const char *ca_file, *cert_file, *key_file, *server_name; /* tls */
};

#define WR_ARG_HOST_PORT                                                  \
    WEIR_ARG_ADDRESS(struct wr_socket_args, address, .name = "HOST:PORT", \
                     .flags = WEIR_ARG_REQUIRED, .help = "an IPv6 address in [ ]")
#define WR_ARGS_TLS                                                                                \
    WEIR_ARG_PATH(struct wr_socket_args, ca_file, .name = "cacert", .form = WEIR_FORM_NAMED,       \
                  .help = "a PEM file of certificates to trust, instead of the system's"),         \
        WEIR_ARG_PATH(struct wr_socket_args, cert_file, .name = "cert", .form = WEIR_FORM_NAMED,   \
                      .help = "a PEM file with the certificate to send if the peer asks for one"), \
        WEIR_ARG_PATH(struct wr_socket_args, key_file, .name = "key", .form = WEIR_FORM_NAMED,     \
                      .help = "a PEM file with the private key (the file of cert=)"),              \
        WEIR_ARG_TEXT(struct wr_socket_args, server_name, .name = "name", .form = WEIR_FORM_NAMED, \
                      .help = "the name in the peer's certificate (HOST)")

/* For a tls address: the trusted certificates are those of the text, else the program's. */
static inline void wr_socket_args_tls(const struct wr_socket_args *args,
                                      const weir_opening *opening, weir_socket_options *to)
{
    to->tls = opening->http->tls;
    to->ca_file = args->ca_file != NULL ? args->ca_file : opening->http->ca_file;
    to->ca_folder = args->ca_file != NULL ? NULL : opening->http->ca_folder;
    to->cert_file = args->cert_file;
    to->key_file = args->key_file;
    to->server_name = args->server_name;
}

/* key= without cert= has no effect. */
static inline int wr_socket_args_check(const struct wr_socket_args *args, weir_mistake *mistake)
{
    return args->key_file != NULL && args->cert_file == NULL
               ? weir_mistake_at(mistake, "key", "key=FILE needs cert=FILE")
               : 0;
}

#endif
