/* probe_icmp.c - one echo request, and how long its reply takes.
 *
 * A datagram socket of ICMP needs no privilege, but the kernel must allow it to our group
 * (net.ipv4.ping_group_range); a raw socket needs CAP_NET_RAW.  Whichever there is is used.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dns.h"
#include "net/icmp_echo.h"
#include "net/words.h"

enum { TOKEN = 16, DEFAULT_SIZE = 56, MAX_SIZE = 65000, MAX_PACKET = 65536 };

static int open_socket(int family, bool *raw, mw_err *err)
{
    int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    int how = SOCK_NONBLOCK | SOCK_CLOEXEC, one = 1;
    int fd = socket(family, SOCK_DGRAM | how, protocol);
    *raw = fd < 0;
    if (fd < 0) fd = socket(family, SOCK_RAW | how, protocol);
    if (fd < 0) {
        if (errno == EPERM || errno == EACCES)
            mw_fail(err, MW_EIO, 0, 0,
                    "icmp is not permitted here: let the group of moonwatch in with "
                    "sysctl net.ipv4.ping_group_range, or give it CAP_NET_RAW");
        else
            mw_fail(err, MW_EIO, 0, 0, "icmp: %s", mw_words_errno(errno));
        return -1;
    }
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof one);
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one);
    } else {
        setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
        setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one); /* unreachable: told by recv */
    }
    return fd;
}

/* How many hops the packet still had; 0: nobody says. */
static int hops_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL;
        bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT;
        int hops = 0;
        if (!v4 && !v6) continue;
        memcpy(&hops, CMSG_DATA(c), sizeof hops);
        return hops;
    }
    return 0;
}

static int hear(int fd, const mw_icmp_echo *e, const mw_patience *p, int *hops, mw_err *err)
{
    mw_buf room = {0};
    char more[256];
    char *packet = mw_buf_room(&room, MAX_PACKET);
    int code = MW_OK;
    for (;;) {
        struct iovec part = {packet, MAX_PACKET};
        struct msghdr m = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = more, .msg_controllen = sizeof more};
        ssize_t n = recvmsg(fd, &m, 0);
        if (n >= 0 && mw_icmp_echo_is_reply(e, (mw_str){packet, (size_t)n})) {
            *hops = hops_of(&m);
            break;
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            code = mw_fail(err, MW_EIO, 0, 0, "%s", mw_words_errno(errno));
        else /* also behind what others were told: nobody may talk us beyond the deadline */
            code = mw_wait_fd(fd, POLLIN, p, err);
        if (code != MW_OK) break;
    }
    mw_buf_deinit(&room);
    return code;
}

static double since(int64_t *from)
{
    int64_t now = mw_mono_ns(), before = *from;
    *from = now;
    return (double)(now - before) / 1e9;
}

static int ping(int fd, mw_icmp_echo *e, size_t size, const mw_patience *p, mw_value *answer,
                mw_err *err)
{
    mw_buf request = {0};
    int hops = 0, code = MW_OK;
    int64_t t = mw_mono_ns();
    mw_icmp_echo_write(e, size, &request);
    while (send(fd, request.p, request.n, 0) < 0 && code == MW_OK) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            code = mw_wait_fd(fd, POLLOUT, p, err);
        else if (errno != EINTR)
            code = mw_fail(err, MW_EIO, 0, 0, "%s", mw_words_errno(errno));
    }
    mw_buf_deinit(&request);
    if (code == MW_OK) code = hear(fd, e, p, &hops, err);
    if (code != MW_OK) return code;
    mw_map_set_number(answer, "rtt", since(&t));
    if (hops) mw_map_set_number(answer, "hop_limit", hops);
    return MW_OK;
}

int mw_probe_icmp(const mw_value *arg, const mw_patience *p, mw_value *answer, mw_err *err)
{
    struct sockaddr_storage to;
    socklen_t n;
    char token[TOKEN];
    bool raw;
    mw_str host = mw_map_text(arg, "host");
    double size = mw_map_number(arg, "size", DEFAULT_SIZE);
    int64_t t = mw_mono_ns();
    if (!host.n || !(size >= 0 && size <= MAX_SIZE))
        return mw_fail(err, MW_EARG, 0, 0, "icmp: a host, and a size up to %d, are needed",
                       (int)MAX_SIZE);
    int code = mw_dns_resolve(host.p, mw_dns_family(mw_map_text(arg, "ip")), 0, p, &to, &n, err);
    mw_map_set_number(answer, "resolve", since(&t));
    if (code != MW_OK) return code;
    mw_map_set_text(answer, "ip", to.ss_family == AF_INET6 ? "6" : "4");
    int fd = open_socket(to.ss_family, &raw, err);
    if (fd < 0) return err->code;
    mw_icmp_echo e = {.v6 = to.ss_family == AF_INET6, .raw = raw, .token = {token, TOKEN}};
    MW_ASSERT(getrandom(token, sizeof token, 0) == (ssize_t)sizeof token);
    MW_ASSERT(getrandom(&e.id, sizeof e.id, 0) == (ssize_t)sizeof e.id);
    if (connect(fd, (struct sockaddr *)&to, n) < 0)
        code = mw_fail(err, MW_EIO, 0, 0, "%s", mw_words_errno(errno));
    mw_map_set_number(answer, "setup", since(&t));
    if (code == MW_OK) code = ping(fd, &e, (size_t)size, p, answer, err);
    close(fd);
    return code;
}
