/* dns.h - c-ares with the patience of a probe.  SPDX-License-Identifier: MIT */
#ifndef MW_NET_DNS_H
#define MW_NET_DNS_H
#include <ares.h>
#include <sys/socket.h>

#include "net/probe.h"

/* Waits for the sockets of CHANNEL, at most so long, and does what is to be done. */
void mw_dns_turn(ares_channel channel, int most_ms);

/* Turns until *ANSWERED.  Cancels, so that every callback was called, when patience ends first. */
int mw_dns_wait(ares_channel channel, const bool *answered, const mw_patience *p, mw_err *err);

/* The first address of HOST, a name or an address, of FAMILY (AF_UNSPEC: any), with PORT in it. */
int mw_dns_resolve(const char *host, int family, int port, const mw_patience *p,
                   struct sockaddr_storage *out, socklen_t *n, mw_err *err);

/* "4", "6" or anything else, as an address family. */
int mw_dns_family(mw_str ip);

#endif
