/*
 * stage_netflow.c - the component netflow: records of flows from packets of NetFlow and IPFIX. The
 * decoder (codec_netflow.h) in the stage of several records of a text.
 *
 * Behind bytes its framer cuts them (codec_records.c), for packets that have their length in them;
 * other items are a packet each. A message's field `peer` tells exporters apart.
 *
 * Templates are kept over items, so a restart reads the input from its beginning.
 */
#include <inttypes.h>
#include <stdio.h>

#include <weir/module.h>
#include <weir/stage.h>

#include "codec_netflow.h"
#include "stage_record.h"

enum { TIMEOUT_S = 3600 };

struct netflow {
    struct wr_netflow *decoder;
    struct weir_loop *loop;
    bool told; /* of the first gap */
};

static void netflow_begin(void *self, const weir_item *item, weir_slice text)
{
    struct netflow *netflow = self;
    const weir_event *event = weir_event_of(item);
    weir_slice peer = {NULL, 0};
    if (event != NULL) {
        (void)weir_event_field(event, "peer", &peer);
    }
    wr_netflow_begin(netflow->decoder, text, item->origin, peer);
}

static void tell_gaps(const struct netflow *netflow, bool first)
{
    const struct wr_netflow_counts *counts = wr_netflow_counts(netflow->decoder);
    char gaps[64] = "a gap in sequence numbers";
    if (!first) {
        snprintf(gaps, sizeof gaps, "%" PRIu64 " gaps in sequence numbers in all", counts->gaps);
    }
    wr_log(&netflow->loop->log, WR_LOG_WARNING, "netflow",
           "%s: %" PRIu64 " flows of v5, %" PRIu64 " packets of v9 and %" PRIu64
           " records of IPFIX were lost before they came here",
           gaps, counts->flows_lost, counts->packets_lost, counts->records_lost);
}

static int netflow_read(void *self, weir_slice text, struct wr_fields *fields)
{
    struct netflow *netflow = self;
    (void)text;
    int rc = wr_netflow_read(netflow->decoder, fields);
    if (!netflow->told && wr_netflow_counts(netflow->decoder)->gaps > 0) {
        netflow->told = true;
        tell_gaps(netflow, true);
    }
    return rc;
}

static void netflow_drop(void *self)
{
    struct netflow *netflow = self;
    if (netflow->decoder != NULL && wr_netflow_counts(netflow->decoder)->gaps > 1) {
        tell_gaps(netflow, false);
    }
    wr_netflow_free(netflow->decoder);
}

static size_t netflow_bytes(const void *self)
{
    const struct netflow *netflow = self;
    return wr_netflow_bytes(netflow->decoder);
}

static const struct wr_records_ops netflow_ops = {.kind = "netflow",
                                                  .begin = netflow_begin,
                                                  .read = netflow_read,
                                                  .drop = netflow_drop,
                                                  .bytes = netflow_bytes};

/* ---- the component */

struct netflow_args {
    int64_t timeout_ms;
};

static weir_gen *netflow_open(const weir_opening *opening, weir_gen *up, const void *args)
{
    const struct netflow_args *a = args;
    if (opening->joined || opening->shape == WEIR_SHAPE_BYTES) {
        weir_framing framing = {.struct_size = sizeof framing, .kind = WEIR_FRAME_NETFLOW};
        up = weir_framed(up, &framing);
    }
    int64_t timeout_s = a->timeout_ms < 0 ? 0 : (a->timeout_ms + 999) / 1000;
    struct netflow netflow = {.decoder = wr_netflow_new(timeout_s, wr_gen_scratch_max(up) / 2),
                              .loop = up->loop};
    weir_gen *gen = wr_records_stage(up, &netflow_ops, &netflow, sizeof netflow);
    if (netflow.decoder == NULL) {
        (void)wr_gen_fail(gen, WEIR_ENOMEM, 0, -1, "no memory for templates");
    }
    return gen;
}

static const weir_arg netflow_args[] = {
    WEIR_ARG_TIME(struct netflow_args, timeout_ms, .name = "timeout", .form = WEIR_FORM_NAMED,
                  .preset = "1h",
                  .help = "a template that was not repeated for so long, by the time in the "
                          "packets, is forgotten; none: never"),
};
static const weir_example netflow_more[] = {
    {"./packets.len32 | len32 | netflow | where .destinationTransportPort == 443 | ndjson", NULL},
    {NULL, NULL},
};

const weir_component wr_component_netflow = {
    .struct_size = sizeof wr_component_netflow,
    .name = "netflow",
    .kind = WEIR_KIND_STAGE,
    .takes = WEIR_SHAPE_BYTES | WR_RECORD_TAKES,
    .gives = WEIR_SHAPE_RECORD,
    .traits = WR_RECORD_TRAITS | WEIR_TRAIT_FRAMES | WEIR_TRAIT_STATE_REPLAYS,
    .args = netflow_args,
    .args_count = sizeof netflow_args / sizeof netflow_args[0],
    .args_size = sizeof(struct netflow_args),
    .help = "Reads flow records from packets of NetFlow v5, v9 and IPFIX, one packet an item; a "
            "stream or file of IPFIX (RFC 5655) is cut into its messages. Fields have the names of "
            "IANA's IPFIX elements, or are i<id> or e<enterprise>_<id>.",
    .example = "./flows.ipfix | netflow | ndjson",
    .open = netflow_open,
    .more_examples = netflow_more,
};
