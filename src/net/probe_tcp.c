/* probe_tcp.c - does it accept connections, and does the talk go as expected?
 *
 * A talk is a list of steps; each may begin TLS, send a text and wait for a text or a pattern.
 * What was heard behind that is there for the next step, except when TLS begins: what was said in
 * plain text before must not pass for what is said under it.  SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "model/matcher.h"
#include "net/dns.h"
#include "net/tls.h"

enum { MAX_HEARD = 64 << 10, MAX_STEPS = 32, SHOWN = 256 };

struct talk {
    mw_conn *conn;
    const mw_net_tls *tls;
    mw_buf heard;
    size_t used; /* bytes of it that earlier steps took */
    size_t step, steps;
};

static mw_str unused(const struct talk *t)
{
    return (mw_str){t->heard.p ? t->heard.p + t->used : "", t->heard.n - t->used};
}

/* Has what is waited for been heard?  Then it is used, with all before it. */
static bool take(struct talk *t, mw_str text, const mw_regex *re)
{
    mw_str in = unused(t), hit = text;
    if (re) {
        if (!mw_regex_find(re, in, 0, &hit, 1)) return false;
    } else if (!in.n || !(hit.p = memmem(in.p, in.n, text.p, text.n))) {
        return false;
    }
    t->used += (size_t)(hit.p + hit.n - in.p);
    return true;
}

static int complain(const struct talk *t, int code, const char *what, mw_str expect, mw_err *err)
{
    char step[32] = "";
    mw_err before = *err;
    mw_err_init(err);
    if (t->steps > 1) snprintf(step, sizeof step, "step %zu: ", t->step + 1);
    return mw_fail(err, code, 0, 0, "%s%s%s\"%.*s\"", step,
                   before.code != MW_OK ? before.msg : what,
                   before.code != MW_OK ? " while waiting for " : "", MW_STR_ARG(expect));
}

/* Read until EXPECT, or what RE matches, has been heard. */
static int listen_for(struct talk *t, mw_str expect, const mw_regex *re, mw_err *err)
{
    while (!take(t, expect, re)) {
        if (t->heard.n - t->used >= MAX_HEARD)
            return complain(t, MW_EEXEC, "64 KiB without ", expect, err);
        long n = mw_conn_read(t->conn, mw_buf_room(&t->heard, 4096), 4096, err);
        if (n == 0) return complain(t, MW_EEXEC, "closed before it said ", expect, err);
        if (n < 0) return complain(t, (int)n, "", expect, err);
        t->heard.n += (size_t)n;
    }
    return MW_OK;
}

static int begin_tls(struct talk *t, mw_err *err)
{
    mw_buf_reset(&t->heard);
    t->used = 0;
    return mw_conn_secure(t->conn, t->tls, err);
}

static int take_step(struct talk *t, const mw_value *step, mw_err *err)
{
    mw_str send = mw_map_text(step, "send"), expect = mw_map_text(step, "expect"),
           pattern = mw_map_text(step, "matches");
    int code = mw_map_bool(step, "starttls", false) ? begin_tls(t, err) : MW_OK;
    if (code == MW_OK) code = mw_conn_write(t->conn, send, err);
    if (code == MW_OK && expect.n) code = listen_for(t, expect, NULL, err);
    if (code != MW_OK || !pattern.n) return code;
    mw_regex *re = mw_regex_new_search(pattern, err);
    code = re ? listen_for(t, pattern, re, err) : err->code;
    mw_regex_free(re);
    return code;
}

static bool turns_to_tls(const mw_value *steps)
{
    for (size_t i = 0; steps && i < steps->list.n; i++)
        if (mw_map_bool(steps->list.item[i], "starttls", false)) return true;
    return false;
}

/* What came last, for a person to read. */
static void tell_heard(const struct talk *t, mw_value *answer)
{
    char text[SHOWN + 1];
    size_t n = t->heard.n < SHOWN ? t->heard.n : SHOWN;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)t->heard.p[i];
        text[i] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
    }
    text[n] = 0;
    if (n) mw_map_set_text(answer, "heard", text);
}

static int talk(struct talk *t, const mw_value *arg, const mw_value *steps, mw_err *err)
{
    int code = MW_OK;
    if (mw_map_find(arg, "tls") && !turns_to_tls(steps)) code = begin_tls(t, err);
    if (!steps) return code == MW_OK ? take_step(t, arg, err) : code;
    for (t->steps = steps->list.n; code == MW_OK && t->step < t->steps; t->step++)
        code = take_step(t, steps->list.item[t->step], err);
    return code;
}

int mw_probe_tcp(const mw_value *arg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    mw_net_tls tls;
    mw_str host = mw_map_text(arg, "host");
    double port = mw_map_number(arg, "port", 0);
    const mw_value *steps = mw_map_find(arg, "steps");
    if (!host.n || !(port >= 1 && port <= 65535))
        return mw_fail(err, MW_EARG, 0, 0, "tcp: host and port (1 to 65535) are needed");
    if (steps && (steps->type != MW_LIST || steps->list.n > MAX_STEPS))
        return mw_fail(err, MW_EARG, 0, 0, "tcp: steps must be a list of at most %d", MAX_STEPS);
    int code = mw_tls_read(mw_map_find(arg, "tls"), &tls, err);
    if (code != MW_OK) return code;
    struct talk t = {.tls = &tls};
    t.conn = mw_conn_open(host.p, (int)port, mw_dns_family(mw_map_text(arg, "ip")), patience, err);
    if (!t.conn) return err->code;
    code = talk(&t, arg, steps, err);
    mw_conn_tell(t.conn, answer);
    tell_heard(&t, answer);
    mw_conn_close(t.conn);
    mw_buf_deinit(&t.heard);
    return code;
}
