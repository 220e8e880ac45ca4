/*
 * loop_peer.c - the address of a socket as a text.
 *
 * A receiver of datagrams writes the address of each new peer, so the usual IPv4 address is written
 * by hand: inet_ntop needs ten times as long. Nothing here suspends or allocates.
 */
#include "loop_peer.h"

#include <arpa/inet.h>
#include <string.h>

#include <uv.h>

#include "codec_address.h"

socklen_t wr_peer_read(const char *text, union wr_peer *to)
{
    char host[WR_PEER_TEXT] = "127.0.0.1";
    struct wr_text name;
    uint16_t port;
    memset(to, 0, sizeof *to);
    if (!wr_address_split(wr_text_of(text), &name, &port) || name.len >= sizeof host) {
        return 0;
    }
    if (name.len > 0 && !(name.len == 9 && memcmp(name.data, "localhost", 9) == 0)) {
        memcpy(host, name.data, name.len);
        host[name.len] = '\0';
    }
    if (text[0] == '[') {
        return uv_ip6_addr(host, port, &to->v6) == 0 ? sizeof to->v6 : 0;
    }
    return uv_ip4_addr(host, port, &to->v4) == 0 ? sizeof to->v4 : 0;
}

bool wr_peer_is_loopback(const union wr_peer *peer)
{
    if (peer->any.sa_family == AF_INET) {
        return ntohl(peer->v4.sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&peer->v6.sin6_addr);
}

static char *put_number(char *to, unsigned number)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

static char *put_v4(char *to, const unsigned char bytes[4])
{
    for (int i = 0; i < 4; i++) {
        to = put_number(to, bytes[i]);
        *to++ = '.';
    }
    return to - 1;
}

static char *put_v6(char *to, const struct sockaddr_in6 *v6)
{
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, to, INET6_ADDRSTRLEN);
    to += strlen(to);
    if (v6->sin6_scope_id != 0) {
        *to++ = '%';
        to = put_number(to, v6->sin6_scope_id);
    }
    return to;
}

size_t wr_peer_text(const union wr_peer *peer, char to[WR_PEER_TEXT], size_t *host_at,
                    size_t *host_len)
{
    const unsigned char *v6 = peer->v6.sin6_addr.s6_addr;
    bool is_v6 = peer->any.sa_family == AF_INET6;
    bool mapped = is_v6 && IN6_IS_ADDR_V4MAPPED(&peer->v6.sin6_addr);
    char *at = to;
    if (is_v6 && !mapped) {
        *at++ = '[';
        at = put_v6(at, &peer->v6);
    } else {
        unsigned char bytes[4];
        memcpy(bytes, mapped ? v6 + 12 : (const unsigned char *)&peer->v4.sin_addr, sizeof bytes);
        at = put_v4(at, bytes);
    }
    *host_at = is_v6 && !mapped ? 1 : 0;
    *host_len = (size_t)(at - to) - *host_at;
    if (*host_at > 0) {
        *at++ = ']';
    }
    *at++ = ':';
    at = put_number(at, ntohs(is_v6 ? peer->v6.sin6_port : peer->v4.sin_port));
    *at = '\0';
    return (size_t)(at - to);
}
