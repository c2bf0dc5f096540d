/* listen.c - SO_REUSEPORT sockets, and making sure that nobody else has the port already.
 * SPDX-License-Identifier: MIT */
#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

enum { HOST_BYTES = 256, BACKLOG = 1024 };

/* "host:port" in two; the host without brackets, empty for any. */
static bool split(const char *address, char host[HOST_BYTES], char port[8])
{
    const char *colon = strrchr(address, ':');
    if (!colon) return false;
    mw_str h = {address, (size_t)(colon - address)}, p = mw_str_of(colon + 1);
    int64_t number;
    bool bracketed = h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';
    if (bracketed) h = (mw_str){h.p + 1, h.n - 2};
    if (!bracketed && h.n && memchr(h.p, ':', h.n)) return false;
    if (h.n >= HOST_BYTES || !mw_int64_parse(p, &number) || number < 0 || number > 65535)
        return false;
    memcpy(host, h.p, h.n);
    host[h.n] = 0;
    snprintf(port, 8, "%d", (int)number);
    return true;
}

static int bound_socket(const struct addrinfo *ai, bool shared)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (ai->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (!bind(fd, ai->ai_addr, ai->ai_addrlen)) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static void set_port(struct sockaddr *sa, unsigned port)
{
    if (sa->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)sa)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)sa)->sin_port = htons((uint16_t)port);
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &n)) return 0;
    return ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
                                          : ((struct sockaddr_in *)&sa)->sin_port);
}

/* Sharing a port would also let a second moonwatch in without a word: first ask for it alone. */
static bool is_free(const struct addrinfo *ai)
{
    int fd = bound_socket(ai, false);
    if (fd < 0) return false;
    bool ok = !listen(fd, 1);
    close(fd);
    return ok;
}

static int open_all(struct addrinfo *ai, unsigned n, int *fds, unsigned *port)
{
    unsigned i = 0;
    if (*port && !is_free(ai)) return -1;
    for (; i < n; i++) {
        fds[i] = bound_socket(ai, true);
        if (fds[i] < 0) break;
        if (!i) set_port(ai->ai_addr, *port = port_of(fds[0]));
        if (listen(fds[i], BACKLOG)) {
            close(fds[i]);
            break;
        }
    }
    if (i == n) return 0;
    int why = errno;
    while (i) close(fds[--i]);
    errno = why;
    return -1;
}

int listen_on(const char *address, unsigned n, int *fds, unsigned *port, mw_err *err)
{
    char host[HOST_BYTES], service[8];
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    if (!split(address, host, service))
        return mw_fail(err, MW_EARG, 0, 0,
                       "cannot listen on \"%s\": write host:port, such as 127.0.0.1:9490", address);
    /* One socket on :: takes IPv4 too; without IPv6 on this machine, 0.0.0.0. */
    int rc = host[0] ? getaddrinfo(host, service, &hints, &list)
                     : getaddrinfo("::", service, &hints, &list);
    if (rc)
        return mw_fail(err, MW_EARG, 0, 0, "cannot listen on \"%s\": %s", address,
                       gai_strerror(rc));
    unsigned asked = (unsigned)atoi(service);
    *port = asked;
    rc = open_all(list, n, fds, port);
    freeaddrinfo(list);
    if (rc && !host[0] && errno == EAFNOSUPPORT) {
        *port = asked;
        if (getaddrinfo("0.0.0.0", service, &hints, &list) == 0) {
            rc = open_all(list, n, fds, port);
            freeaddrinfo(list);
        }
    }
    if (!rc) return MW_OK;
    return mw_fail(err, MW_EIO, 0, 0, "cannot listen on \"%s\": %s%s", address, strerror(errno),
                   errno == EADDRINUSE ? "; choose another with --listen" : "");
}
