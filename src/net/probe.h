/* probe.h - short conversations with servers that are not HTTP: is it there, how fast, how full?
 * And other work that blocks, with a deadline: handing in a mail, running a program.
 *
 * A probe runs on a thread of its own pool and may block, but never past its deadline: every wait
 * goes through mw_conn_* or mw_wait_fd, which know the deadline and notice a stop.
 * SPDX-License-Identifier: MIT */
#ifndef MW_NET_PROBE_H
#define MW_NET_PROBE_H
#include <stdatomic.h>

#include "metrics/registry.h"
#include "net/net.h"
#include "script/host.h"

typedef struct mw_probes mw_probes;

mw_probes *mw_probes_new(mw_registry *reg);
void mw_probes_stop(mw_probes *p); /* answers what is under way, then joins */
void mw_probes_free(mw_probes *p);
/* Only programs in these folders are run, N of them; none when it was never said.  Before the first
 * question. */
void mw_probes_allow(mw_probes *p, const char *const *folders, size_t n);
void mw_probes_offer(mw_probes *p, mw_host *host); /* operations of the rows in probes.c */

/* How long one probe may take, and whether anybody still wants to know. */
typedef struct mw_patience {
    int64_t deadline_ns;
    int timeout_ms; /* the same as it was asked for, for messages */
    const atomic_bool *stop;
    const char *const *folders; /* of programs that may be run; NULL-terminated, or NULL */
} mw_patience;

/* Fill ANSWER with what was learnt, or return a code with the reason in ERR. */
typedef int mw_probe_run(const mw_value *arg, const mw_patience *patience, mw_value *answer,
                         mw_err *err);
mw_probe_run mw_probe_tcp, mw_probe_dns, mw_probe_icmp, mw_probe_redis, mw_probe_postgres,
    mw_mail_run, mw_exec_run;

/* Wait for EVENTS (POLLIN, POLLOUT) on FD.  MW_ETIMEOUT or MW_ECANCEL with words in ERR. */
int mw_wait_fd(int fd, short events, const mw_patience *patience, mw_err *err);

/* -- a TCP connection with a deadline --------------------------------------------------------- */

typedef struct mw_conn mw_conn;
/* FAMILY: AF_INET, AF_INET6, or AF_UNSPEC for any. */
mw_conn *mw_conn_open(const char *host, int port, int family, const mw_patience *patience,
                      mw_err *err);
/* From now on over TLS.  An error also when the certificate is not good. */
int mw_conn_secure(mw_conn *c, const mw_net_tls *tls, mw_err *err);
/* How it came about: resolve, connect, handshake (seconds), ip ("4", "6"), tls (see certs.h). */
void mw_conn_tell(const mw_conn *c, mw_value *answer);
int mw_conn_write(mw_conn *c, mw_str bytes, mw_err *err);
/* At least one byte into OUT (room for N): how many, 0 at the end, or a negative code. */
long mw_conn_read(mw_conn *c, char *out, size_t n, mw_err *err);
void mw_conn_close(mw_conn *c); /* NULL is fine */

#endif
