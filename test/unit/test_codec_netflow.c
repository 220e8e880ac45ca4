/*
 * test_codec_netflow.c - flow records: the values, the templates and their limits, what is malformed.
 *
 *     type=flow|version=9|...|;     a record
 *     <the reason>                  a part of the packet that is not read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_fault.h"
#include "codec_netflow.h"
#include "codec_netflow_template.h"
#include "support_check.h"

/* ---- packets */

struct packet {
    unsigned char bytes[65535];
    size_t len;
};

static struct packet p; /* what the tests build */

static void put(unsigned bytes, uint64_t number)
{
    for (unsigned i = bytes; i-- > 0;) {
        p.bytes[p.len++] = (unsigned char)(number >> (8 * i));
    }
}

/* Numbers of 16 bits. */
static void put_all(const unsigned *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(2, numbers[i]);
    }
}
#define PUT(...)                             \
    put_all((const unsigned[]){__VA_ARGS__}, \
            sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void put_text(const char *text, size_t len)
{
    memcpy(p.bytes + p.len, text, len);
    p.len += len;
}

enum { NOW_S = 1714564800 /* 2024-05-01T12:00:00Z */, UPTIME_MS = 100000 };

static void begin_5(unsigned records, uint32_t sequence)
{
    p.len = 0;
    PUT(5, records);
    put(4, UPTIME_MS);
    put(4, NOW_S);
    put(4, 250 * 1000000);
    put(4, sequence);
    PUT(0x0102, 0x4064);
}

static void begin_9(uint32_t sequence)
{
    p.len = 0;
    PUT(9, 1);
    put(4, UPTIME_MS);
    put(4, NOW_S);
    put(4, sequence);
    put(4, 7);
}

static void begin_10(uint32_t sequence, uint32_t time_s)
{
    p.len = 0;
    PUT(10, 0);
    put(4, time_s);
    put(4, sequence);
    put(4, 7);
}

static void end_10(void)
{
    p.bytes[2] = (unsigned char)(p.len >> 8);
    p.bytes[3] = (unsigned char)p.len;
}

/* The length of a set, once it is complete. */
static size_t set_begin(unsigned id)
{
    PUT(id, 0);
    return p.len - 4;
}
static void set_end(size_t at)
{
    p.bytes[at + 2] = (unsigned char)((p.len - at) >> 8);
    p.bytes[at + 3] = (unsigned char)(p.len - at);
}

/* ---- what comes out */

static void show(struct wr_netflow *netflow, struct wr_fields *fields, weir_slice packet, FILE *out)
{
    int rc;
    while (MUST(wr_fields_begin(fields, packet.len) == 0),
           (rc = wr_netflow_read(netflow, fields)) != WR_FIELDS_NONE) {
        if (rc < 0) {
            char why[WR_FAULT_REASON];
            MUST(rc == WEIR_EPARSE);
            struct wr_fault fault = wr_fields_fault(fields, packet);
            wr_fault_reason(&fault, why);
            fprintf(out, "<%s>", why);
            continue;
        }
        MUST(fields->body.data >= packet.data &&
             fields->body.data + fields->body.len <= packet.data + packet.len);
        for (size_t i = 0; i < fields->count; i++) {
            MUST(fields->typed && fields->kinds[i] >= WEIR_VALUE_BOOL &&
                 fields->kinds[i] <= WEIR_VALUE_STRING);
            fprintf(out, "%.*s=%.*s|", (int)fields->names[i].len, fields->names[i].data,
                    (int)fields->values[i].len, fields->values[i].data);
        }
        fputc(';', out);
    }
}

/* What the decoder makes of the packet, which is in a heap block of its own; the caller frees it. */
static char *shown(struct wr_netflow *netflow, size_t len, const char *exporter)
{
    char *text, *copy = malloc(len > 0 ? len : 1);
    size_t text_len;
    struct wr_fields fields = {0};
    FILE *out = open_memstream(&text, &text_len);
    memcpy(copy, p.bytes, len);
    wr_netflow_begin(netflow, (weir_slice){copy, len}, 1,
                     (weir_slice){exporter, exporter != NULL ? strlen(exporter) : 0});
    show(netflow, &fields, (weir_slice){copy, len}, out);
    fclose(out);
    free(copy);
    wr_fields_fini(&fields);
    return text;
}

/* The records without what all of them begin with. */
static void gives(struct wr_netflow *netflow, const char *expected)
{
    static const char head[] = "|exportTime=2024-05-01T12:00:00Z|observationDomainId=7|";
    char *text = shown(netflow, p.len, NULL), *at;
    while ((at = strstr(text, head)) != NULL) {
        memmove(at, at + sizeof head - 2, strlen(at + sizeof head - 2) + 1);
    }
    ck_assert_str_eq(text, expected);
    free(text);
}

static struct wr_netflow *netflow(void)
{
    wr_fault_pause(true); /* what is found is compared; the stage is swept */
    struct wr_netflow *decoder = wr_netflow_new(0, 0);
    MUST(decoder != NULL);
    return decoder;
}

static void end(struct wr_netflow *decoder)
{
    wr_netflow_free(decoder);
    wr_fault_pause(false);
}

/* ---- version 5 */

static void put_flow_5(void)
{
    put(4, 0xc0000201);
    put(4, 0x0a000001);
    put(4, 0);
    PUT(1, 65535);
    put(4, 10);
    put(4, 4294967295u);
    put(4, UPTIME_MS - 1500);
    put(4, UPTIME_MS - 1);
    PUT(443, 50000);
    put(1, 0xaa);
    put(1, 0x1b);
    put(1, 6);
    put(1, 16);
    PUT(64512, 0);
    put(1, 24);
    put(1, 8);
    put(2, 0xbbbb);
}

TEST(version_5_has_the_names_of_ipfix)
{
    struct wr_netflow *decoder = netflow();
    begin_5(1, 1);
    put_flow_5();
    char *text = shown(decoder, p.len, "192.0.2.9:2055");
    ck_assert_str_eq(
        text, "type=flow|version=5|exporter=192.0.2.9:2055|exportTime=2024-05-01T12:00:00Z"
              "|observationDomainId=258|samplingInterval=100|sourceIPv4Address=192.0.2.1"
              "|destinationIPv4Address=10.0.0.1|ipNextHopIPv4Address=0.0.0.0|ingressInterface=1"
              "|egressInterface=65535|packetDeltaCount=10|octetDeltaCount=4294967295"
              "|flowStartMilliseconds=2024-05-01T11:59:58.750Z"
              "|flowEndMilliseconds=2024-05-01T12:00:00.249Z|sourceTransportPort=443"
              "|destinationTransportPort=50000|tcpControlBits=27|protocolIdentifier=6"
              "|ipClassOfService=16|bgpSourceAsNumber=64512|bgpDestinationAsNumber=0"
              "|sourceIPv4PrefixLength=24|destinationIPv4PrefixLength=8|;");
    free(text);
    end(decoder);
}

TEST(version_5_with_fewer_records_than_it_says_is_refused)
{
    struct wr_netflow *decoder = netflow();
    begin_5(2, 1);
    put_flow_5();
    gives(decoder, "<the packet has fewer records than it says, at byte 2>");
    end(decoder);
}

/* ---- templates */

static void put_template_9(unsigned id)
{
    size_t at = set_begin(0);
    PUT(id, 3, 8, 4, 7, 2, 2, 4);
    set_end(at);
}

static void put_data(unsigned id, unsigned port)
{
    size_t at = set_begin(id);
    put(4, 0x7f000001);
    PUT(port);
    put(4, 3);
    PUT(0); /* padding */
    set_end(at);
}

TEST(version_9_reads_records_by_their_template)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    put_template_9(256);
    put_data(256, 53);
    put_data(256, 54);
    gives(decoder, "type=flow|version=9|sourceIPv4Address=127.0.0.1|sourceTransportPort=53"
                   "|packetDeltaCount=3|;type=flow|version=9|sourceIPv4Address=127.0.0.1"
                   "|sourceTransportPort=54|packetDeltaCount=3|;");
    begin_9(2);
    put_data(256, 55);
    gives(decoder, "type=flow|version=9|sourceIPv4Address=127.0.0.1|sourceTransportPort=55"
                   "|packetDeltaCount=3|;");
    end(decoder);
}

TEST(a_record_whose_template_has_not_come_is_rejected_and_the_others_are_given)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    put_data(257, 53);
    put_template_9(256);
    put_data(256, 54);
    gives(decoder, "<template 257 of domain 7 has not come, at byte 20>"
                   "type=flow|version=9|sourceIPv4Address=127.0.0.1|sourceTransportPort=54"
                   "|packetDeltaCount=3|;");
    end(decoder);
}

TEST(templates_belong_to_their_domain_exporter_and_version)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    put_template_9(256);
    gives(decoder, "");
    begin_9(1);
    put_data(256, 53);
    char *text = shown(decoder, p.len, "192.0.2.9:2055");
    ck_assert_str_eq(text, "<template 256 of domain 7 has not come, at byte 20>");
    free(text);
    p.bytes[19] = 8;
    gives(decoder, "<template 256 of domain 8 has not come, at byte 20>");
    begin_10(0, NOW_S);
    put_data(256, 53);
    end_10();
    gives(decoder, "<template 256 of domain 7 has not come, at byte 16>");
    end(decoder);
}

TEST(a_new_template_replaces_the_one_with_its_number)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    put_template_9(256);
    size_t at = set_begin(0);
    PUT(256, 1, 27, 16);
    set_end(at);
    at = set_begin(256);
    put_text("\x20\1\x0d\xb8\0\0\0\0\0\1\0\0\0\0\0\1", 16);
    set_end(at);
    gives(decoder, "type=flow|version=9|sourceIPv6Address=2001:db8::1:0:0:1|;");
    end(decoder);
}

TEST(a_template_that_is_not_repeated_in_time_is_forgotten)
{
    wr_fault_pause(true);
    struct wr_netflow *decoder = wr_netflow_new(60, 0);
    MUST(decoder != NULL);
    begin_10(0, NOW_S);
    size_t at = set_begin(2);
    PUT(256, 1, 4, 1);
    set_end(at);
    end_10();
    gives(decoder, "");
    begin_10(0, NOW_S + 60);
    at = set_begin(256);
    put(1, 17);
    set_end(at);
    end_10();
    char *text = shown(decoder, p.len, NULL);
    ck_assert_ptr_nonnull(strstr(text, "protocolIdentifier=17|;"));
    free(text);
    p.bytes[7]++;
    gives(decoder, "<template 256 of domain 7 was not repeated in time, at byte 16>");
    end(decoder);
}

/* ---- IPFIX */

TEST(ipfix_has_enterprises_reverse_and_unknown_elements)
{
    struct wr_netflow *decoder = netflow();
    begin_10(0, NOW_S);
    size_t at = set_begin(2);
    PUT(300, 7, 0x8000 | 5, 2);
    put(4, 9);
    PUT(0x8000 | 1, 4);
    put(4, 29305);
    PUT(500, 1, 2, 8, 2, 8, 210, 1, 9999, 0);
    set_end(at);
    at = set_begin(300);
    put(2, 0xabcd);
    put(4, 77);
    put(1, 0xfe);
    put(8, UINT64_MAX);
    put(8, 0);
    put(1, 1);
    set_end(at);
    end_10();
    gives(decoder, "type=flow|version=10|e9_5=abcd|reverseOctetDeltaCount=77|i500=fe"
                   "|packetDeltaCount=18446744073709551615|packetDeltaCount_2=0|i9999=|;");
    end(decoder);
}

TEST(ipfix_fields_may_differ_in_length)
{
    struct wr_netflow *decoder = netflow();
    begin_10(0, NOW_S);
    size_t at = set_begin(2);
    PUT(300, 3, 82, 65535, 4, 1, 95, 65535);
    set_end(at);
    at = set_begin(300);
    put_text("\4eth0\6\0", 7);
    put_text("\xff\0\3abc\21\2\1\2", 10);
    set_end(at);
    end_10();
    gives(decoder, "type=flow|version=10|interfaceName=eth0|protocolIdentifier=6|applicationId=|;"
                   "type=flow|version=10|interfaceName=abc|protocolIdentifier=17"
                   "|applicationId=0102|;");
    p.bytes[p.len - 3] = 3; /* a byte too many */
    gives(decoder, "type=flow|version=10|interfaceName=eth0|protocolIdentifier=6|applicationId=|;"
                   "<a value is longer than its set, at byte 47>");
    end(decoder);
}

TEST(ipfix_templates_are_taken_back)
{
    struct wr_netflow *decoder = netflow();
    for (unsigned one = 0; one < 2; one++) {
        begin_10(0, NOW_S);
        size_t at = set_begin(2);
        PUT(300, 1, 4, 1, 301, 1, 4, 1);
        set_end(at);
        at = set_begin(2);
        PUT(one ? 300 : 2, 0);
        set_end(at);
        at = set_begin(301);
        put(1, 1);
        set_end(at);
        at = set_begin(300);
        put(1, 1);
        set_end(at);
        end_10();
        gives(decoder, one ? "type=flow|version=10|protocolIdentifier=1|;"
                             "<template 300 of domain 7 has not come, at byte 49>"
                           : "<template 301 of domain 7 has not come, at byte 44>"
                             "<template 300 of domain 7 has not come, at byte 49>");
    }
    end(decoder);
}

TEST(options_are_records_of_their_own_type)
{
    struct wr_netflow *decoder = netflow();
    begin_10(0, NOW_S);
    size_t at = set_begin(3);
    PUT(400, 3, 1, 10, 4, 82, 8, 34, 4);
    set_end(at);
    at = set_begin(400);
    put(4, 3);
    put_text("wan\0\0\0\0\0", 8);
    put(4, 1000);
    set_end(at);
    end_10();
    gives(decoder, "type=options|version=10|ingressInterface=3|interfaceName=wan"
                   "|samplingInterval=1000|;");
    begin_9(1);
    at = set_begin(1);
    PUT(400, 8, 4, 2, 4, 9, 2, 48, 1, 0);
    set_end(at);
    at = set_begin(400);
    put(4, 3);
    put(2, 8);
    put(1, 5);
    put(1, 0);
    set_end(at);
    gives(decoder, "type=options|version=9|scopeInterface=3|scope9=0008|samplerId=5|;");
    end(decoder);
}

TEST(values_are_written_by_their_type)
{
    struct wr_netflow *decoder = netflow();
    begin_10(0, NOW_S);
    size_t at = set_begin(2);
    PUT(300, 12, 56, 6, 150, 4, 152, 8, 154, 8, 156, 8, 311, 8, 276, 1, 434, 2, 27, 16, 21, 4, 8, 5,
        1, 9);
    set_end(at);
    at = set_begin(300);
    put_text("\0\x1b\x2c\xff\x0a\1", 6);
    put(4, NOW_S + 86399);
    put(8, (uint64_t)951782399 * 1000 + 7); /* 2000-02-28T23:59:59.007Z */
    put(8, (uint64_t)(NOW_S + 2208988800) << 32 | 0x80000000);
    put(8, (uint64_t)(NOW_S + 2208988800) << 32 | 0x40000000);
    put(8, 0x3fc0000000000000);
    put(1, 1);
    put(2, 0xfffe);
    put_text("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    put(4, 5);
    put(5, 1);
    put_text("\1\2\3\4\5\6\7\x08\x09", 9);
    set_end(at);
    end_10();
    gives(decoder,
          "type=flow|version=10|sourceMacAddress=00:1b:2c:ff:0a:01"
          "|flowStartSeconds=2024-05-02T11:59:59Z|flowStartMilliseconds=2000-02-28T23:59:59.007Z"
          "|flowStartMicroseconds=2024-05-01T12:00:00.500000Z"
          "|flowStartNanoseconds=2024-05-01T12:00:00.250000000Z|samplingProbability=0.125"
          "|dataRecordsReliability=true|mibObjectValueInteger=-2"
          "|sourceIPv6Address=::ffff:192.0.2.1|flowEndSysUpTime=5|sourceIPv4Address=0000000001"
          "|octetDeltaCount=010203040506070809|;");
    end(decoder);
}

/* ---- what is malformed, and limits */

TEST(other_packets_are_refused)
{
    struct wr_netflow *decoder = netflow();
    p.len = 0;
    gives(decoder, "<no packet of NetFlow or IPFIX, at byte 0>");
    PUT(7, 1);
    gives(decoder, "<the version is 7, and not 5, 9 or 10 (IPFIX), at byte 0>");
    begin_9(1);
    p.len--;
    gives(decoder, "<the packet ends inside its head, at byte 19>");
    begin_10(0, NOW_S);
    end_10();
    put(1, 0);
    gives(decoder, "<the message has 17 bytes, and says 16, at byte 2>");
    end(decoder);
}

TEST(malformed_sets_and_templates_are_refused)
{
    static const struct {
        unsigned numbers[8];
        size_t count;
        const char *why;
    } cases[] = {
        {{256, 3}, 2, "<a set with a length below 4, at byte 20>"},
        {{256, 12, 0}, 3, "<a set is longer than its packet, at byte 20>"},
        {{0, 12, 255, 1, 4, 1}, 6, "<the number of a template is below 256, at byte 24>"},
        {{0, 12, 256, 2, 4, 1}, 6, "<a set ends inside a template, at byte 24>"},
        {{0, 8, 256, 0}, 4, "<a template without fields, at byte 24>"},
        {{0, 12, 256, 1, 4, 0}, 6, "<the records of a template have no bytes, at byte 24>"},
        {{5, 8, 1, 2}, 4, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wr_netflow *decoder = netflow();
        begin_9(1);
        put_all(cases[i].numbers, cases[i].count);
        gives(decoder, cases[i].why);
        end(decoder);
    }
}

TEST(a_template_with_ten_thousand_fields_is_refused_and_the_next_set_is_read)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    size_t at = set_begin(0);
    PUT(256, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        PUT(1, 4);
    }
    set_end(at);
    put_template_9(257);
    put_data(257, 1);
    gives(decoder, "<a template with more than 512 fields, at byte 24>"
                   "type=flow|version=9|sourceIPv4Address=127.0.0.1|sourceTransportPort=1"
                   "|packetDeltaCount=3|;");
    end(decoder);
}

TEST(a_domain_without_room_for_a_template_refuses_it_and_a_new_domain_takes_the_room_of_the_oldest)
{
    struct wr_netflow *decoder = netflow();
    begin_9(1);
    size_t at = set_begin(0);
    for (unsigned i = 0; i < WR_NETFLOW_TEMPLATES_MAX; i++) {
        PUT(256 + i, 1, 4, 1);
    }
    set_end(at);
    gives(decoder, "");
    begin_9(2);
    put_template_9(60000);
    gives(decoder, "<too many templates: more than 4096, or too much memory for them, at byte 24>");
    p.bytes[19] = 8;
    gives(decoder, "");
    begin_9(3);
    at = set_begin(256);
    put(1, 1);
    set_end(at);
    gives(decoder, "<template 256 of domain 7 has not come, at byte 20>");
    end(decoder);
}

TEST(gaps_in_sequence_numbers_are_counted)
{
    struct wr_netflow *decoder = netflow();
    const struct wr_netflow_counts *counts = wr_netflow_counts(decoder);
    static const uint32_t flows[] = {10, 11, 14, 1, 2}, packets[] = {UINT32_MAX, 0, 3, 4};
    for (size_t i = 0; i < 5; i++) { /* each has one flow */
        begin_5(1, flows[i]);
        put_flow_5();
        free(shown(decoder, p.len, NULL));
    }
    ck_assert_uint_eq(counts->gaps, 1);
    ck_assert_uint_eq(counts->flows_lost, 2);
    for (size_t i = 0; i < 4; i++) {
        begin_9(packets[i]);
        put_template_9(256);
        gives(decoder, "");
    }
    ck_assert_uint_eq(counts->gaps, 2);
    ck_assert_uint_eq(counts->packets_lost, 2);
    for (uint32_t i = 0; i < 3; i++) { /* the second one has a record without a template */
        begin_10(i * 5, NOW_S);
        size_t at = set_begin(i == 1 ? 301 : 2);
        PUT(300, 1, 4, 1);
        set_end(at);
        end_10();
        free(shown(decoder, p.len, NULL));
    }
    ck_assert_uint_eq(counts->records_lost, 5);
    ck_assert_uint_eq(counts->records, 5);
    end(decoder);
}

TEST(each_beginning_of_a_packet_is_read_without_looking_behind_it)
{
    begin_9(1);
    put_template_9(256);
    put_data(256, 53);
    for (size_t len = 0; len <= p.len; len++) {
        struct wr_netflow *decoder = netflow();
        free(shown(decoder, len, NULL));
        end(decoder);
    }
    begin_10(0, NOW_S);
    size_t at = set_begin(2);
    PUT(300, 2, 82, 65535, 0x8000 | 4, 1);
    put(4, 9);
    set_end(at);
    at = set_begin(300);
    put_text("\4eth0\6", 6);
    set_end(at);
    for (size_t len = 4; len <= p.len; len++) {
        struct wr_netflow *decoder = netflow();
        p.bytes[3] = (unsigned char)len;
        free(shown(decoder, len, NULL));
        end(decoder);
    }
}

MAIN("codec/netflow")
