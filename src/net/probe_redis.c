/* probe_redis.c - AUTH, SELECT, PING and INFO over a plain socket.
 *
 * The commands go out in one write; their replies are single lines (+..., -...), that of INFO is
 * $LENGTH and so many bytes.  A server that refuses INFO has no figures; that is no failure.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "net/probe.h"
#include "net/redis_info.h"
#include "net/redis_url.h"

enum { MAX_LINE = 1024, MAX_INFO = 1 << 20 };

static void add_command(mw_buf *out, const char *const *words, size_t n)
{
    mw_buf_printf(out, "*%zu\r\n", n);
    for (size_t i = 0; i < n; i++) mw_buf_printf(out, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
}

/* One reply line into LINE, without its end. */
static int read_line(mw_conn *c, char line[MAX_LINE], mw_err *err)
{
    size_t n = 0;
    while (n < MAX_LINE) {
        long got = mw_conn_read(c, line + n, 1, err);
        if (got < 0) return (int)got;
        if (!got) return mw_fail(err, MW_EIO, 0, 0, "Redis closed the connection");
        if (line[n] == '\n') {
            line[n && line[n - 1] == '\r' ? n - 1 : n] = 0;
            return MW_OK;
        }
        n++;
    }
    return mw_fail(err, MW_EPARSE, 0, 0, "the answer does not look like Redis");
}

static int expect_line(mw_conn *c, const char *doing, const char *expect, mw_err *err)
{
    char line[MAX_LINE];
    int code = read_line(c, line, err);
    if (code != MW_OK) return code;
    if (!strcmp(line, expect)) return MW_OK;
    if (line[0] == '-') return mw_fail(err, MW_EEXEC, 0, 0, "%s: %s", doing, line + 1);
    return mw_fail(err, MW_EPARSE, 0, 0, "%s: the answer does not look like Redis", doing);
}

/* N bytes and the end of their line. */
static int read_bulk(mw_conn *c, size_t n, mw_buf *out, mw_err *err)
{
    for (n += 2; out->n < n;) {
        long got = mw_conn_read(c, mw_buf_room(out, n - out->n), n - out->n, err);
        if (got < 0) return (int)got;
        if (!got) return mw_fail(err, MW_EIO, 0, 0, "Redis closed the connection");
        out->n += (size_t)got;
    }
    return MW_OK;
}

static int hear_info(mw_conn *c, mw_value *answer, mw_err *err)
{
    char line[MAX_LINE];
    mw_buf text = {0};
    int code = read_line(c, line, err);
    if (code != MW_OK || line[0] == '-') return code;
    long n = line[0] == '$' ? strtol(line + 1, NULL, 10) : -1;
    if (n < 0 || n > MAX_INFO)
        return mw_fail(err, MW_EPARSE, 0, 0, "INFO: the answer does not look like Redis");
    code = read_bulk(c, (size_t)n, &text, err);
    if (code == MW_OK) mw_redis_info_read((mw_str){text.p, (size_t)n}, answer);
    mw_buf_deinit(&text);
    return code;
}

static int talk(mw_conn *c, const mw_redis_url *url, bool info, mw_value *answer, mw_err *err)
{
    mw_buf out = {0};
    char db[16];
    snprintf(db, sizeof db, "%d", url->db);
    const char *auth[] = {"AUTH", url->user, url->password};
    const char *plain_auth[] = {"AUTH", url->password};
    if (url->password[0]) add_command(&out, url->user[0] ? auth : plain_auth, url->user[0] ? 3 : 2);
    if (url->db) add_command(&out, (const char *[]){"SELECT", db}, 2);
    add_command(&out, (const char *[]){"PING"}, 1);
    if (info) add_command(&out, (const char *[]){"INFO"}, 1);
    int code = mw_conn_write(c, (mw_str){out.p, out.n}, err);
    mw_buf_deinit(&out);
    if (code == MW_OK && url->password[0]) code = expect_line(c, "AUTH", "+OK", err);
    if (code == MW_OK && url->db) code = expect_line(c, "SELECT", "+OK", err);
    if (code == MW_OK) code = expect_line(c, "PING", "+PONG", err);
    if (code == MW_OK) mw_map_set_bool(answer, "pong", true);
    if (code == MW_OK && info) code = hear_info(c, answer, err);
    return code;
}

int mw_probe_redis(const mw_value *arg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    mw_redis_url url;
    mw_str text = mw_map_text(arg, "url");
    if (!text.n) return mw_fail(err, MW_EARG, 0, 0, "redis: url is missing");
    int code = mw_redis_url_parse(text.p, &url, err);
    if (code != MW_OK) return code;
    mw_conn *c = mw_conn_open(url.host, url.port, AF_UNSPEC, patience, err);
    if (!c) return err->code;
    code = talk(c, &url, mw_map_bool(arg, "info", false), answer, err);
    mw_conn_tell(c, answer);
    mw_conn_close(c);
    return code;
}
