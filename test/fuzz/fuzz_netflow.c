/*
 * fuzz_netflow.c - packets of NetFlow and IPFIX, one after another through one decoder. Invariants: a
 * record's body lies in its packet, and each value in the packet, in what was made of it, or in
 * constant memory; what is made has room; a part that is not read has a reason and a position; a
 * packet ends. Two decoders that read the same packets find the same.
 *
 * Before each packet is its length, of two bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec_netflow.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* Reads each byte: a sanitizer sees a slice that points outside. */
static uint64_t hash_of(uint64_t hash, weir_slice slice)
{
    for (size_t i = 0; i < slice.len; i++) {
        hash = (hash ^ (unsigned char)slice.data[i]) * UINT64_C(0x100000001b3);
    }
    return (hash ^ slice.len) * UINT64_C(0x100000001b3);
}

static uint64_t read_packet(struct wr_netflow *netflow, struct wr_fields *fields, weir_slice packet,
                            uint64_t hash)
{
    char exporter[] = "192.0.2.1:2055";
    size_t parts = 0;
    wr_netflow_begin(netflow, packet, 1,
                     (weir_slice){exporter, packet.len % 3 == 0 ? sizeof exporter - 1 : 0});
    for (;;) {
        require(wr_fields_begin(fields, packet.len) == 0);
        int rc = wr_netflow_read(netflow, fields);
        if (rc == WR_FIELDS_NONE) {
            return hash;
        }
        require(parts++ <= packet.len);
        if (rc == WEIR_EPARSE) {
            char why[WR_FAULT_REASON];
            struct wr_fault fault = wr_fields_fault(fields, packet);
            wr_fault_reason(&fault, why);
            require(fields->at <= packet.len);
            hash = hash_of(hash, (weir_slice){why, strlen(why)});
            continue;
        }
        require(rc == 0 && fields->made_len <= fields->made_cap);
        require(fields->body.len > 0 && fields->body.data >= packet.data &&
                fields->body.data + fields->body.len <= packet.data + packet.len);
        for (size_t i = 0; i < fields->count; i++) {
            require(fields->names[i].len > 0 && fields->kinds[i] != 0);
            hash = hash_of(hash_of(hash, fields->names[i]), fields->values[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct wr_fields used; /* for all inputs */
    struct wr_netflow *one = wr_netflow_new(60, 0), *other = wr_netflow_new(60, 0);
    uint64_t hash = 1, again = 1;
    require(one != NULL && other != NULL);
    for (size_t at = 0; len - at >= 2;) {
        size_t bytes = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        bytes = bytes < len - at ? bytes : len - at;
        char *copy = malloc(bytes > 0 ? bytes : 1);
        struct wr_fields fresh = {0};
        require(copy != NULL);
        memcpy(copy, data + at, bytes);
        hash = read_packet(one, &used, (weir_slice){copy, bytes}, hash);
        again = read_packet(other, &fresh, (weir_slice){copy, bytes}, again);
        require(hash == again);
        wr_fields_fini(&fresh);
        free(copy);
        at += bytes;
    }
    wr_netflow_free(one);
    wr_netflow_free(other);
    return 0;
}
