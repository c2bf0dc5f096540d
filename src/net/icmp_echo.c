/* icmp_echo.c - type 1 | code 1 | checksum 2 | id 2 | sequence 2 | data
 *
 * The kernel counts the checksum of ICMPv6, and that of ICMP on sockets that are not raw.
 * SPDX-License-Identifier: MIT */
#include "net/icmp_echo.h"

#include <string.h>

enum { HEADER = 8, V4_REQUEST = 8, V4_REPLY = 0, V6_REQUEST = 128, V6_REPLY = 129 };

static uint16_t checksum(const unsigned char *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static uint16_t get16(const unsigned char *p) { return (uint16_t)(p[0] << 8 | p[1]); }

void mw_icmp_echo_write(const mw_icmp_echo *e, size_t size, mw_buf *out)
{
    if (size < e->token.n) size = e->token.n;
    unsigned char *p = (unsigned char *)mw_buf_room(out, HEADER + size);
    memset(p, 0, HEADER + size);
    p[0] = e->v6 ? V6_REQUEST : V4_REQUEST;
    put16(p + 4, e->id);
    put16(p + 6, e->seq);
    memcpy(p + HEADER, e->token.p, e->token.n);
    if (!e->v6) put16(p + 2, checksum(p, HEADER + size));
    out->n += HEADER + size;
}

bool mw_icmp_echo_is_reply(const mw_icmp_echo *e, mw_str packet)
{
    const unsigned char *p = (const unsigned char *)packet.p;
    size_t n = packet.n;
    if (e->raw && !e->v6) {
        size_t header = n ? (size_t)(p[0] & 15) * 4 : 0;
        if (header < 20 || header > n) return false;
        p += header;
        n -= header;
    }
    if (n < HEADER + e->token.n || p[0] != (e->v6 ? V6_REPLY : V4_REPLY) || p[1]) return false;
    if (e->raw && get16(p + 4) != e->id) return false;
    return get16(p + 6) == e->seq && !memcmp(p + HEADER, e->token.p, e->token.n);
}
