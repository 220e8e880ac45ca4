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
    int64_t retry;                                            /* sinks */
    bool once;
};

extern const weir_arg wr_tcp_args[1], wr_tls_args[5], wr_unix_args[1];
extern const weir_arg wr_tcp_sink_args[3], wr_tls_sink_args[7], wr_unix_sink_args[3];

/* For a tls address: the trusted certificates are those of the text, else the program's. */
void wr_socket_args_tls(const struct wr_socket_args *args, const weir_opening *opening,
                        weir_socket_options *to);
/* The `check` of the tls components. */
int wr_tls_args_check(const weir_opening *opening, const void *args, weir_mistake *mistake);

#endif
