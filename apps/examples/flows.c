/*
 * flows.c - the flows of one host as CSV:  flows udp://HOST:PORT ADDRESS
 *
 * Receives NetFlow v5, v9 and IPFIX from any number of exporters, and writes each flow that begins or
 * ends at ADDRESS (IPv4 or IPv6) as a row to standard output. The pipeline's text does the work; the
 * address is a variable of it, not a part, so it may be any text. ^C ends it.
 */
#include <stdio.h>

#include <weir/weir.h>

#define PIPELINE                                                                   \
    "netflow"                                                                      \
    " | map {time: .exportTime, from: (.sourceIPv4Address // .sourceIPv6Address)," \
    " from_port: .sourceTransportPort,"                                            \
    " to: (.destinationIPv4Address // .destinationIPv6Address),"                   \
    " to_port: .destinationTransportPort, protocol: .protocolIdentifier,"          \
    " packets: .packetDeltaCount, bytes: .octetDeltaCount}"                        \
    " | where .from == $address or .to == $address"                                \
    " | csv header columns=\"time,from,from_port,to,to_port,protocol,packets,bytes\""

int main(int argc, char **argv)
{
    weir_loop *loop =
        weir_loop_new(WEIR_OPTIONS(weir_loop_options, .log = weir_log_stderr, .log_ctx = "flows"));
    if (argc != 3 || loop == NULL) {
        fprintf(stderr, "usage: flows udp://HOST:PORT ADDRESS\n");
        return 2;
    }
    weir_scope *scope = weir_root(loop);
    weir_scope_obey_signals(scope);

    const weir_variable address = {.name = "address", .text = argv[2]};
    weir_gen *packets = weir_udp_messages(scope, argv[1], NULL);
    weir_gen *rows =
        weir_parse(scope, packets, PIPELINE,
                   WEIR_OPTIONS(weir_text_options, .variables = &address, .variables_count = 1));
    weir_error error;
    int rc = weir_pump(rows, weir_fd_sink(scope, 1), &error);
    if (rc < 0) {
        fprintf(stderr, "flows: %s: %s\n", error.origin, error.message);
    }
    weir_loop_free(loop);
    return rc < 0;
}
