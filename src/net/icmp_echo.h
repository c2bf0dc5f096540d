/* icmp_echo.h - echo requests and replies of ICMP and ICMPv6, as bytes.  SPDX-License-Identifier:
 * MIT */
#ifndef MW_NET_ICMP_ECHO_H
#define MW_NET_ICMP_ECHO_H
#include "base/buf.h"

typedef struct mw_icmp_echo {
    bool v6;
    bool raw;    /* with the header of IP before it (v4), and by whomever it was asked for */
    uint16_t id; /* of a raw socket; others have their own */
    uint16_t seq;
    mw_str token; /* the first bytes of what is sent, which nobody else knows */
} mw_icmp_echo;

/* The request, with SIZE bytes behind its header: the token, then zeros. */
void mw_icmp_echo_write(const mw_icmp_echo *e, size_t size, mw_buf *out);

/* Is it the reply to that request? */
bool mw_icmp_echo_is_reply(const mw_icmp_echo *e, mw_str packet);

#endif
