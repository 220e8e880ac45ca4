/*
 * codec_netflow_element.c - the table of elements, and values as text (codec_netflow_element.h).
 *
 * The table has the elements of IANA's registry that exporters send: traffic, addresses, times,
 * interfaces, routing, MPLS, NAT, sampling, layer 2. Each value of a record goes through
 * wr_element_write, so numbers are written two digits at a time, and the date of the last time is
 * kept: most times of a packet are of one day.
 */
#include "codec_netflow_element.h"

#include <stdio.h>
#include <string.h>

/* ---- elements */

#define UNSIGNED(n, text) [n] = {text, WR_ELEMENT_UNSIGNED}
#define IPV4(n, text) [n] = {text, WR_ELEMENT_IPV4}
#define IPV6(n, text) [n] = {text, WR_ELEMENT_IPV6}
#define MAC(n, text) [n] = {text, WR_ELEMENT_MAC}
#define TEXT(n, text) [n] = {text, WR_ELEMENT_TEXT}
#define HEX(n, text) [n] = {text, WR_ELEMENT_HEX}

static const struct wr_element elements[] = {
    UNSIGNED(1, "octetDeltaCount"),
    UNSIGNED(2, "packetDeltaCount"),
    UNSIGNED(3, "deltaFlowCount"),
    UNSIGNED(4, "protocolIdentifier"),
    UNSIGNED(5, "ipClassOfService"),
    UNSIGNED(6, "tcpControlBits"),
    UNSIGNED(7, "sourceTransportPort"),
    IPV4(8, "sourceIPv4Address"),
    UNSIGNED(9, "sourceIPv4PrefixLength"),
    UNSIGNED(10, "ingressInterface"),
    UNSIGNED(11, "destinationTransportPort"),
    IPV4(12, "destinationIPv4Address"),
    UNSIGNED(13, "destinationIPv4PrefixLength"),
    UNSIGNED(14, "egressInterface"),
    IPV4(15, "ipNextHopIPv4Address"),
    UNSIGNED(16, "bgpSourceAsNumber"),
    UNSIGNED(17, "bgpDestinationAsNumber"),
    IPV4(18, "bgpNextHopIPv4Address"),
    UNSIGNED(19, "postMCastPacketDeltaCount"),
    UNSIGNED(20, "postMCastOctetDeltaCount"),
    UNSIGNED(WR_ELEMENT_UPTIME_END, "flowEndSysUpTime"),
    UNSIGNED(WR_ELEMENT_UPTIME_START, "flowStartSysUpTime"),
    UNSIGNED(23, "postOctetDeltaCount"),
    UNSIGNED(24, "postPacketDeltaCount"),
    UNSIGNED(25, "minimumIpTotalLength"),
    UNSIGNED(26, "maximumIpTotalLength"),
    IPV6(27, "sourceIPv6Address"),
    IPV6(28, "destinationIPv6Address"),
    UNSIGNED(29, "sourceIPv6PrefixLength"),
    UNSIGNED(30, "destinationIPv6PrefixLength"),
    UNSIGNED(31, "flowLabelIPv6"),
    UNSIGNED(32, "icmpTypeCodeIPv4"),
    UNSIGNED(33, "igmpType"),
    UNSIGNED(34, "samplingInterval"),
    UNSIGNED(35, "samplingAlgorithm"),
    UNSIGNED(36, "flowActiveTimeout"),
    UNSIGNED(37, "flowIdleTimeout"),
    UNSIGNED(38, "engineType"),
    UNSIGNED(39, "engineId"),
    UNSIGNED(40, "exportedOctetTotalCount"),
    UNSIGNED(41, "exportedMessageTotalCount"),
    UNSIGNED(42, "exportedFlowRecordTotalCount"),
    IPV4(43, "ipv4RouterSc"),
    IPV4(44, "sourceIPv4Prefix"),
    IPV4(45, "destinationIPv4Prefix"),
    UNSIGNED(46, "mplsTopLabelType"),
    IPV4(47, "mplsTopLabelIPv4Address"),
    UNSIGNED(48, "samplerId"),
    UNSIGNED(49, "samplerMode"),
    UNSIGNED(50, "samplerRandomInterval"),
    UNSIGNED(51, "classId"),
    UNSIGNED(52, "minimumTTL"),
    UNSIGNED(53, "maximumTTL"),
    UNSIGNED(54, "fragmentIdentification"),
    UNSIGNED(55, "postIpClassOfService"),
    MAC(56, "sourceMacAddress"),
    MAC(57, "postDestinationMacAddress"),
    UNSIGNED(58, "vlanId"),
    UNSIGNED(59, "postVlanId"),
    UNSIGNED(60, "ipVersion"),
    UNSIGNED(61, "flowDirection"),
    IPV6(62, "ipNextHopIPv6Address"),
    IPV6(63, "bgpNextHopIPv6Address"),
    UNSIGNED(64, "ipv6ExtensionHeaders"),
    HEX(70, "mplsTopLabelStackSection"),
    HEX(71, "mplsLabelStackSection2"),
    HEX(72, "mplsLabelStackSection3"),
    HEX(73, "mplsLabelStackSection4"),
    HEX(74, "mplsLabelStackSection5"),
    HEX(75, "mplsLabelStackSection6"),
    HEX(76, "mplsLabelStackSection7"),
    HEX(77, "mplsLabelStackSection8"),
    HEX(78, "mplsLabelStackSection9"),
    HEX(79, "mplsLabelStackSection10"),
    MAC(80, "destinationMacAddress"),
    MAC(81, "postSourceMacAddress"),
    TEXT(82, "interfaceName"),
    TEXT(83, "interfaceDescription"),
    TEXT(84, "samplerName"),
    UNSIGNED(85, "octetTotalCount"),
    UNSIGNED(86, "packetTotalCount"),
    UNSIGNED(88, "fragmentOffset"),
    UNSIGNED(89, "forwardingStatus"),
    HEX(90, "mplsVpnRouteDistinguisher"),
    UNSIGNED(91, "mplsTopLabelPrefixLength"),
    UNSIGNED(92, "srcTrafficIndex"),
    UNSIGNED(93, "dstTrafficIndex"),
    TEXT(94, "applicationDescription"),
    HEX(95, "applicationId"),
    TEXT(96, "applicationName"),
    UNSIGNED(98, "postIpDiffServCodePoint"),
    UNSIGNED(99, "multicastReplicationFactor"),
    TEXT(100, "className"),
    UNSIGNED(128, "bgpNextAdjacentAsNumber"),
    UNSIGNED(129, "bgpPrevAdjacentAsNumber"),
    IPV4(130, "exporterIPv4Address"),
    IPV6(131, "exporterIPv6Address"),
    UNSIGNED(132, "droppedOctetDeltaCount"),
    UNSIGNED(133, "droppedPacketDeltaCount"),
    UNSIGNED(134, "droppedOctetTotalCount"),
    UNSIGNED(135, "droppedPacketTotalCount"),
    UNSIGNED(136, "flowEndReason"),
    UNSIGNED(138, "observationPointId"),
    UNSIGNED(139, "icmpTypeCodeIPv6"),
    IPV6(140, "mplsTopLabelIPv6Address"),
    UNSIGNED(141, "lineCardId"),
    UNSIGNED(142, "portId"),
    UNSIGNED(143, "meteringProcessId"),
    UNSIGNED(144, "exportingProcessId"),
    UNSIGNED(145, "templateId"),
    UNSIGNED(148, "flowId"),
    UNSIGNED(149, "observationDomainId"),
    [150] = {"flowStartSeconds", WR_ELEMENT_SECONDS},
    [151] = {"flowEndSeconds", WR_ELEMENT_SECONDS},
    [152] = {"flowStartMilliseconds", WR_ELEMENT_MILLISECONDS},
    [153] = {"flowEndMilliseconds", WR_ELEMENT_MILLISECONDS},
    [154] = {"flowStartMicroseconds", WR_ELEMENT_MICROSECONDS},
    [155] = {"flowEndMicroseconds", WR_ELEMENT_MICROSECONDS},
    [156] = {"flowStartNanoseconds", WR_ELEMENT_NANOSECONDS},
    [157] = {"flowEndNanoseconds", WR_ELEMENT_NANOSECONDS},
    UNSIGNED(158, "flowStartDeltaMicroseconds"),
    UNSIGNED(159, "flowEndDeltaMicroseconds"),
    [160] = {"systemInitTimeMilliseconds", WR_ELEMENT_MILLISECONDS},
    UNSIGNED(161, "flowDurationMilliseconds"),
    UNSIGNED(162, "flowDurationMicroseconds"),
    UNSIGNED(163, "observedFlowTotalCount"),
    UNSIGNED(164, "ignoredPacketTotalCount"),
    UNSIGNED(165, "ignoredOctetTotalCount"),
    UNSIGNED(166, "notSentFlowTotalCount"),
    UNSIGNED(167, "notSentPacketTotalCount"),
    UNSIGNED(168, "notSentOctetTotalCount"),
    IPV6(169, "destinationIPv6Prefix"),
    IPV6(170, "sourceIPv6Prefix"),
    UNSIGNED(171, "postOctetTotalCount"),
    UNSIGNED(172, "postPacketTotalCount"),
    UNSIGNED(173, "flowKeyIndicator"),
    UNSIGNED(176, "icmpTypeIPv4"),
    UNSIGNED(177, "icmpCodeIPv4"),
    UNSIGNED(178, "icmpTypeIPv6"),
    UNSIGNED(179, "icmpCodeIPv6"),
    UNSIGNED(180, "udpSourcePort"),
    UNSIGNED(181, "udpDestinationPort"),
    UNSIGNED(182, "tcpSourcePort"),
    UNSIGNED(183, "tcpDestinationPort"),
    UNSIGNED(184, "tcpSequenceNumber"),
    UNSIGNED(185, "tcpAcknowledgementNumber"),
    UNSIGNED(186, "tcpWindowSize"),
    UNSIGNED(189, "ipHeaderLength"),
    UNSIGNED(192, "ipTTL"),
    UNSIGNED(193, "nextHeaderIPv6"),
    UNSIGNED(195, "ipDiffServCodePoint"),
    UNSIGNED(206, "isMulticast"),
    [210] = {"paddingOctets", WR_ELEMENT_SKIPPED},
    UNSIGNED(218, "tcpSynTotalCount"),
    UNSIGNED(219, "tcpFinTotalCount"),
    UNSIGNED(220, "tcpRstTotalCount"),
    UNSIGNED(224, "ipTotalLength"),
    IPV4(225, "postNATSourceIPv4Address"),
    IPV4(226, "postNATDestinationIPv4Address"),
    UNSIGNED(227, "postNAPTSourceTransportPort"),
    UNSIGNED(228, "postNAPTDestinationTransportPort"),
    UNSIGNED(229, "natOriginatingAddressRealm"),
    UNSIGNED(230, "natEvent"),
    UNSIGNED(231, "initiatorOctets"),
    UNSIGNED(232, "responderOctets"),
    UNSIGNED(233, "firewallEvent"),
    UNSIGNED(234, "ingressVRFID"),
    UNSIGNED(235, "egressVRFID"),
    TEXT(236, "VRFname"),
    UNSIGNED(239, "biflowDirection"),
    UNSIGNED(243, "dot1qVlanId"),
    UNSIGNED(244, "dot1qPriority"),
    UNSIGNED(245, "dot1qCustomerVlanId"),
    UNSIGNED(252, "ingressPhysicalInterface"),
    UNSIGNED(253, "egressPhysicalInterface"),
    UNSIGNED(254, "postDot1qVlanId"),
    UNSIGNED(256, "ethernetType"),
    [276] = {"dataRecordsReliability", WR_ELEMENT_BOOL},
    UNSIGNED(277, "observationPointType"),
    IPV6(281, "postNATSourceIPv6Address"),
    IPV6(282, "postNATDestinationIPv6Address"),
    UNSIGNED(283, "natPoolId"),
    TEXT(284, "natPoolName"),
    UNSIGNED(298, "initiatorPackets"),
    UNSIGNED(299, "responderPackets"),
    TEXT(300, "observationDomainName"),
    UNSIGNED(302, "selectorId"),
    UNSIGNED(304, "selectorAlgorithm"),
    UNSIGNED(305, "samplingPacketInterval"),
    UNSIGNED(306, "samplingPacketSpace"),
    [311] = {"samplingProbability", WR_ELEMENT_FLOAT},
    UNSIGNED(312, "dataLinkFrameSize"),
    HEX(313, "ipHeaderPacketSection"),
    HEX(315, "dataLinkFrameSection"),
    [322] = {"observationTimeSeconds", WR_ELEMENT_SECONDS},
    [323] = {"observationTimeMilliseconds", WR_ELEMENT_MILLISECONDS},
    UNSIGNED(346, "privateEnterpriseNumber"),
    UNSIGNED(352, "layer2OctetDeltaCount"),
    UNSIGNED(361, "portRangeStart"),
    UNSIGNED(362, "portRangeEnd"),
    MAC(365, "staMacAddress"),
    TEXT(371, "userName"),
    [434] = {"mibObjectValueInteger", WR_ELEMENT_SIGNED},
};

#undef UNSIGNED
#undef IPV4
#undef IPV6
#undef MAC
#undef TEXT
#undef HEX

struct wr_element wr_element_of(uint32_t id)
{
    return id < sizeof elements / sizeof *elements ? elements[id] : (struct wr_element){NULL, 0};
}

const char *wr_element_scope(uint32_t id)
{
    static const char *const scopes[] = {"scopeSystem", "scopeInterface", "scopeLineCard",
                                         "scopeCache", "scopeTemplate"};
    return id >= 1 && id <= WR_ELEMENT_SCOPES ? scopes[id - 1] : NULL;
}

enum wr_element_form wr_element_form(struct wr_element element, uint32_t len)
{
    bool fits = true;
    switch ((enum wr_element_form)element.form) {
    case WR_ELEMENT_UNSIGNED:
    case WR_ELEMENT_SIGNED: fits = len >= 1 && len <= 8; break;
    case WR_ELEMENT_FLOAT: fits = len == 4 || len == 8; break;
    case WR_ELEMENT_BOOL: fits = len == 1; break;
    case WR_ELEMENT_MAC: fits = len == 6; break;
    case WR_ELEMENT_UPTIME:
    case WR_ELEMENT_SECONDS:
    case WR_ELEMENT_IPV4: fits = len == 4; break;
    case WR_ELEMENT_IPV6: fits = len == 16; break;
    case WR_ELEMENT_MILLISECONDS:
    case WR_ELEMENT_MICROSECONDS:
    case WR_ELEMENT_NANOSECONDS: fits = len == 8; break;
    default: break;
    }
    return fits ? (enum wr_element_form)element.form : WR_ELEMENT_HEX;
}

/* ---- numbers */

static const char digits[] = "0123456789abcdef";
static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

static inline char *put_pair(char *to, unsigned number)
{
    memcpy(to, pairs + 2 * (size_t)number, 2);
    return to + 2;
}

char *wr_element_write_number(uint64_t number, char *to)
{
    char text[20], *at = text + sizeof text;
    while (number >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (size_t)(number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * (size_t)number, 2);
    } else {
        *--at = (char)('0' + (int)number);
    }
    size_t len = (size_t)(text + sizeof text - at);
    memcpy(to, at, len);
    return to + len;
}

static inline uint64_t big_endian(const unsigned char *value, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | value[i];
    }
    return number;
}

static char *put_signed(const unsigned char *value, size_t len, char *to)
{
    uint64_t number = big_endian(value, len);
    if ((value[0] & 0x80) == 0) {
        return wr_element_write_number(number, to);
    }
    *to++ = '-';
    uint64_t sign = len < 8 ? UINT64_MAX << (8 * len) : 0;
    return wr_element_write_number(~(number | sign) + 1, to);
}

static char *put_float(const unsigned char *value, size_t len, char *to)
{
    char text[40];
    uint64_t bits = big_endian(value, len);
    uint32_t half = (uint32_t)bits;
    double number;
    float single;
    memcpy(&single, &half, sizeof single);
    memcpy(&number, &bits, sizeof number);
    int n =
        snprintf(text, sizeof text, "%.*g", len == 4 ? 9 : 17, len == 4 ? (double)single : number);
    memcpy(to, text, (size_t)n);
    return to + n;
}

/* ---- addresses */

static inline char *put_byte(unsigned byte, char *to)
{
    if (byte >= 100) {
        *to++ = (char)('0' + (int)(byte / 100));
        return put_pair(to, byte % 100);
    }
    if (byte >= 10) {
        return put_pair(to, byte);
    }
    *to++ = (char)('0' + (int)byte);
    return to;
}

static char *put_ipv4(const unsigned char *value, char *to)
{
    for (int i = 0; i < 4; i++) {
        to = put_byte(value[i], to);
        *to++ = '.';
    }
    return to - 1;
}

static char *put_hex(const unsigned char *value, size_t len, char between, char *to)
{
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && between != '\0') {
            *to++ = between;
        }
        *to++ = digits[value[i] >> 4];
        *to++ = digits[value[i] & 15];
    }
    return to;
}

static char *put_group(unsigned group, char *to)
{
    for (int shift = 12; shift >= 0; shift -= 4) {
        if (group >> shift != 0 || shift == 0) {
            *to++ = digits[group >> shift & 15];
        }
    }
    return to;
}

/* As RFC 5952 has it: the longest run of two or more zeros is "::". */
static char *put_ipv6(const unsigned char *value, char *to)
{
    unsigned groups[8];
    int best = -1, best_len = 1, run = 0;
    for (int i = 0; i < 8; i++) {
        groups[i] = (unsigned)value[2 * i] << 8 | value[2 * i + 1];
        run = groups[i] == 0 ? run + 1 : 0;
        if (run > best_len) {
            best_len = run;
            best = i + 1 - run;
        }
    }
    bool mapped = best == 0 && best_len == 5 && groups[5] == 0xffff;
    for (int i = 0; i < (mapped ? 6 : 8); i++) {
        if (i == best) {
            *to++ = ':';
            *to++ = ':';
            i += best_len - 1;
            continue;
        }
        if (i > 0 && to[-1] != ':') {
            *to++ = ':';
        }
        to = put_group(groups[i], to);
    }
    if (mapped) {
        *to++ = ':';
        to = put_ipv4(value + 12, to);
    }
    return to;
}

/* ---- times */

enum { DAY_S = 86400 };
#define SINCE_1900_S INT64_C(2208988800)

/* "2024-05-01T" of a day since 1970, into the clock. */
static void set_date(struct wr_element_clock *clock, int64_t day)
{
    /* Years that begin in March, of 400-year cycles that begin in the year 0. */
    int64_t days = day + 719468, era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    unsigned date = (unsigned)(of_year - (153 * month + 2) / 5 + 1);
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    char *to = clock->date;
    to = put_pair(to, (unsigned)(year / 100 % 100));
    to = put_pair(to, (unsigned)(year % 100));
    *to++ = '-';
    to = put_pair(to, (unsigned)month);
    *to++ = '-';
    to = put_pair(to, date);
    *to = 'T';
    clock->day = day;
}

/* "2024-05-01T12:00:00"; times before the year 0 and after 9999 wrap. */
static char *put_time(int64_t unix_s, struct wr_element_clock *clock, char *to)
{
    int64_t day = unix_s / DAY_S;
    unsigned second;
    if (unix_s - day * DAY_S < 0) {
        day--;
    }
    second = (unsigned)(unix_s - day * DAY_S);
    if (day != clock->day || clock->date[0] == '\0') {
        set_date(clock, day);
    }
    memcpy(to, clock->date, sizeof clock->date);
    to = put_pair(to + sizeof clock->date, second / 3600);
    *to++ = ':';
    to = put_pair(to, second / 60 % 60);
    *to++ = ':';
    return put_pair(to, second % 60);
}

char *wr_element_write_time(int64_t unix_s, struct wr_element_clock *clock, char *to)
{
    to = put_time(unix_s, clock, to);
    *to++ = 'Z';
    return to;
}

static char *put_milliseconds(int64_t unix_ms, struct wr_element_clock *clock, char *to)
{
    int64_t second = unix_ms / 1000 - (unix_ms % 1000 < 0);
    unsigned rest = (unsigned)(unix_ms - second * 1000);
    to = put_time(second, clock, to);
    *to++ = '.';
    *to++ = (char)('0' + (int)(rest / 100));
    to = put_pair(to, rest % 100);
    *to++ = 'Z';
    return to;
}

/* An NTP timestamp: seconds since 1900, and 2^-32 of a second. */
static char *put_fraction(const unsigned char *value, unsigned pairs_count,
                          struct wr_element_clock *clock, char *to)
{
    uint64_t fraction = big_endian(value + 4, 4);
    unsigned ns = (unsigned)(fraction * 1000000000 >> 32), unit = 10000000;
    to = put_time((int64_t)big_endian(value, 4) - SINCE_1900_S, clock, to);
    *to++ = '.';
    for (unsigned i = 0; i < pairs_count; i++, unit /= 100) {
        to = put_pair(to, ns / unit % 100);
    }
    if (pairs_count > 3) {
        *to++ = (char)('0' + (int)(ns % 10));
    }
    *to++ = 'Z';
    return to;
}

char *wr_element_write(enum wr_element_form form, const unsigned char *value, size_t len,
                       struct wr_element_clock *clock, char *to)
{
    switch (form) {
    case WR_ELEMENT_UNSIGNED: return wr_element_write_number(big_endian(value, len), to);
    case WR_ELEMENT_SIGNED: return put_signed(value, len, to);
    case WR_ELEMENT_FLOAT: return put_float(value, len, to);
    case WR_ELEMENT_BOOL:
        memcpy(to, value[0] == 1 ? "true" : "false", 5);
        return to + (value[0] == 1 ? 4 : 5);
    case WR_ELEMENT_MAC: return put_hex(value, len, ':', to);
    case WR_ELEMENT_IPV4: return put_ipv4(value, to);
    case WR_ELEMENT_IPV6: return put_ipv6(value, to);
    case WR_ELEMENT_SECONDS:
        return wr_element_write_time((int64_t)big_endian(value, len), clock, to);
    case WR_ELEMENT_MILLISECONDS:
        return put_milliseconds((int64_t)(big_endian(value, len) & INT64_MAX), clock, to);
    case WR_ELEMENT_MICROSECONDS: return put_fraction(value, 3, clock, to);
    case WR_ELEMENT_NANOSECONDS: return put_fraction(value, 4, clock, to);
    case WR_ELEMENT_UPTIME:
        return put_milliseconds(clock->now_ms +
                                    (int32_t)((uint32_t)big_endian(value, len) - clock->uptime_ms),
                                clock, to);
    default: return put_hex(value, len, '\0', to);
    }
}
