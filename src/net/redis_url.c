/* redis_url.c - reading a Redis address.  SPDX-License-Identifier: MIT */
#include "net/redis_url.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

static bool copy(mw_str s, char *out, size_t size)
{
    if (s.n >= size) return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return !memchr(out, 0, s.n);
}

static bool decode(mw_str s, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (i + 3 > s.n || !mw_unhex((mw_str){s.p + i + 1, 2}, &c, 1) || !c) return false;
            i += 2;
        }
        if (n + 1 >= size) return false;
        out[n++] = c;
    }
    out[n] = 0;
    return true;
}

static mw_str cut(mw_str *s, size_t at) /* the part before AT; S goes on behind that character */
{
    mw_str head = {s->p, at};
    *s = (mw_str){s->p + at + 1, s->n - at - 1};
    return head;
}

static bool read_number(mw_str s, int64_t low, int64_t high, int *out)
{
    int64_t v;
    if (!mw_int64_parse(s, &v) || v < low || v > high) return false;
    *out = (int)v;
    return true;
}

static int read_login(mw_str *rest, mw_redis_url *out, mw_err *err)
{
    const char *at = memrchr(rest->p, '@', rest->n);
    if (!at) return MW_OK;
    mw_str login = cut(rest, (size_t)(at - rest->p)), user = {"", 0};
    const char *colon = memchr(login.p, ':', login.n);
    if (colon) user = cut(&login, (size_t)(colon - login.p));
    if (decode(user, out->user, sizeof out->user) &&
        decode(login, out->password, sizeof out->password))
        return MW_OK;
    return mw_fail(err, MW_EARG, 0, 0, "redis url: the user or password is not readable");
}

static int read_host(mw_str rest, mw_redis_url *out, mw_err *err)
{
    mw_str host = rest, port = {"", 0};
    const char *close = rest.n && rest.p[0] == '[' ? memchr(rest.p, ']', rest.n) : NULL;
    if (close) {
        host = (mw_str){rest.p + 1, (size_t)(close - rest.p) - 1};
        rest = (mw_str){close + 1, rest.n - (size_t)(close + 1 - rest.p)};
        if (rest.n && rest.p[0] == ':') port = (mw_str){rest.p + 1, rest.n - 1};
    } else {
        const char *colon = memrchr(rest.p, ':', rest.n);
        if (colon) host = cut(&rest, (size_t)(colon - rest.p)), port = rest;
    }
    if (port.n && !read_number(port, 1, 65535, &out->port))
        return mw_fail(err, MW_EARG, 0, 0, "redis url: the port is not a number from 1 to 65535");
    if (!host.n || !copy(host, out->host, sizeof out->host))
        return mw_fail(err, MW_EARG, 0, 0, "redis url: the host is missing or too long");
    return MW_OK;
}

int mw_redis_url_parse(const char *url, mw_redis_url *out, mw_err *err)
{
    mw_str rest = mw_str_of(url);
    *out = (mw_redis_url){.port = 6379};
    if (mw_str_starts(rest, "rediss://"))
        return mw_fail(err, MW_EUNSUPPORTED, 0, 0, "redis url: rediss:// (TLS) is not supported");
    if (mw_str_starts(rest, "redis://"))
        rest = (mw_str){rest.p + 8, rest.n - 8};
    else if (strstr(url ? url : "", "://"))
        return mw_fail(err, MW_EARG, 0, 0, "redis url: it must start with redis://");
    int code = read_login(&rest, out, err);
    if (code != MW_OK) return code;
    const char *slash = memchr(rest.p, '/', rest.n);
    if (slash) {
        mw_str db = rest, host = cut(&db, (size_t)(slash - rest.p));
        if (db.n && !read_number(db, 0, 65535, &out->db))
            return mw_fail(err, MW_EARG, 0, 0, "redis url: the database is not a number");
        rest = host;
    }
    return read_host(rest, out, err);
}
