/* dns.c - asking name servers without blocking beyond a deadline.
 *
 * Every probe has a channel of its own, so that a changed /etc/resolv.conf or /etc/hosts counts at
 * once.  SPDX-License-Identifier: MIT */
#include "net/dns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { SLICE_MS = 200 }; /* how soon a stop is noticed */

void mw_dns_turn(ares_channel channel, int most_ms)
{
    ares_socket_t s[ARES_GETSOCK_MAXNUM];
    struct pollfd fd[ARES_GETSOCK_MAXNUM];
    nfds_t n = 0;
    unsigned bits = (unsigned)ares_getsock(channel, s, ARES_GETSOCK_MAXNUM);
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
        bool in = bits >> i & 1,
             out = bits >> (i + ARES_GETSOCK_MAXNUM) & 1; /* their macros shift a sign */
        if (!in && !out) continue;
        fd[n++] = (struct pollfd){s[i], (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0};
    }
    int ready = poll(fd, n, most_ms);
    for (nfds_t i = 0; ready > 0 && i < n; i++) {
        bool in = fd[i].revents & (POLLIN | POLLERR | POLLHUP), out = fd[i].revents & POLLOUT;
        ares_process_fd(channel, in ? fd[i].fd : ARES_SOCKET_BAD, out ? fd[i].fd : ARES_SOCKET_BAD);
    }
    if (ready <= 0) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* its timeouts */
}

int mw_dns_wait(ares_channel channel, const bool *answered, const mw_patience *p, mw_err *err)
{
    while (!*answered) {
        int64_t left = (p->deadline_ns - mw_mono_ns()) / 1000000;
        if (atomic_load(p->stop))
            mw_fail(err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
        else if (left <= 0)
            mw_fail(err, MW_ETIMEOUT, 0, 0, "timed out after %g s", p->timeout_ms / 1000.0);
        if (err->code != MW_OK) {
            ares_cancel(channel);
            return err->code;
        }
        mw_dns_turn(channel, left < SLICE_MS ? (int)left : SLICE_MS);
    }
    return MW_OK;
}

/* -- names ------------------------------------------------------------------------------------ */

struct found {
    bool answered;
    int status;
    struct sockaddr_storage address;
    socklen_t n;
};

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct found *f = arg;
    f->answered = true;
    f->status = status;
    if (status == ARES_SUCCESS && info && info->nodes) {
        f->n = info->nodes->ai_addrlen;
        memcpy(&f->address, info->nodes->ai_addr, f->n);
    }
    ares_freeaddrinfo(info);
}

int mw_dns_resolve(const char *host, int family, int port, const mw_patience *p,
                   struct sockaddr_storage *out, socklen_t *n, mw_err *err)
{
    ares_channel channel;
    struct ares_options o = {.timeout = p->timeout_ms / 2 + 1, .tries = 2};
    struct ares_addrinfo_hints hints = {.ai_family = family, .ai_flags = ARES_AI_NUMERICSERV};
    struct found f = {0};
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    if (ares_init_options(&channel, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS)
        return mw_fail(err, MW_EIO, 0, 0, "name servers cannot be asked");
    ares_getaddrinfo(channel, host, port ? service : NULL, &hints, on_addresses, &f);
    int code = mw_dns_wait(channel, &f.answered, p, err);
    ares_destroy(channel);
    if (code != MW_OK) return code;
    if (f.status != ARES_SUCCESS || !f.n)
        return mw_fail(err, MW_EIO, 0, 0, "%s: %s", host,
                       f.status == ARES_ENOTFOUND || f.status == ARES_ENODATA || !f.status
                           ? "no such host"
                           : ares_strerror(f.status));
    *out = f.address;
    *n = f.n;
    return MW_OK;
}

int mw_dns_family(mw_str ip)
{
    return mw_str_is(ip, "4") ? AF_INET : mw_str_is(ip, "6") ? AF_INET6 : AF_UNSPEC;
}
