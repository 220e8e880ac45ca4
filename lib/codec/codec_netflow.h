/*
 * codec_netflow.h - flow records: packets of NetFlow v5, v9 (RFC 3954) and IPFIX (RFC 7011). Sans-I/O.
 * A decoder of records: see codec_fields.h.
 *
 *     wr_netflow_begin(netflow, packet, origin, exporter);
 *     while ((rc = wr_netflow_read(netflow, &fields)) != WR_FIELDS_NONE) { ... }
 *
 * The records of v9 and IPFIX mean nothing without their templates, which come in other packets. So a
 * decoder reads all packets of a stream, and keeps what each exporter has said
 * (codec_netflow_template.h).
 *
 * Fields: type (flow, or options: what an exporter says about itself), version, exporter if it is
 * known, exportTime, observationDomainId (v9: the source id; v5: engine type * 256 + engine id), of v5
 * samplingInterval, then those of the template, by the names in IANA's registry of IPFIX elements.
 * Others are i<id> and e<enterprise>_<id>; with the number of RFC 5103 reverse<Name>; scopes of v9
 * scope<Name>. Numbers are decimal, addresses and MACs as usual, times as 2024-05-01T12:00:00.123Z with
 * the digits of their type, texts without the NULs at their end, everything else in hexadecimal digits.
 * v5 and v9 count times from the start of the exporter: they are given as flowStartMilliseconds and
 * flowEndMilliseconds.
 */
#ifndef WR_CODEC_NETFLOW_H
#define WR_CODEC_NETFLOW_H

#include "codec_fields.h"

struct wr_netflow;

struct wr_netflow_counts {
    uint64_t records;
    uint64_t gaps;                                   /* in sequence numbers */
    uint64_t flows_lost, packets_lost, records_lost; /* by them: of v5, v9, IPFIX */
};

/* timeout_s: a template that was not repeated for so long, by the time in the packets, is forgotten;
 * 0: never. bytes_max: of memory for templates, at most 16 MiB; 0: that. NULL: no memory. */
struct wr_netflow *wr_netflow_new(int64_t timeout_s, size_t bytes_max);
/* The memory for templates now. */
size_t wr_netflow_bytes(const struct wr_netflow *netflow);
void wr_netflow_free(struct wr_netflow *netflow);
/* A packet comes. Exporters are told apart by the origin of their items and by `exporter`, their
 * address, which may be empty. The slices must live until the last read. */
void wr_netflow_begin(struct wr_netflow *netflow, weir_slice packet, uint32_t origin,
                      weir_slice exporter);
/* The next record of the packet; fields->body is its part. Returns 0; WR_FIELDS_NONE: there are no
 * more; WEIR_EPARSE: a part of the packet is malformed, or has no template: call again; WEIR_ENOMEM. */
int wr_netflow_read(struct wr_netflow *netflow, struct wr_fields *fields);
const struct wr_netflow_counts *wr_netflow_counts(const struct wr_netflow *netflow);

#endif
