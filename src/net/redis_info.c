/* redis_info.c - INFO is lines "name:value" and "# Section".
 * SPDX-License-Identifier: MIT */
#include "net/redis_info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 100 };

static const struct {
    const char *name, *as;
    bool number;
} rows[] = {
    {"redis_version", "server", false},
    {"role", "role", false},
    {"master_link_status", "link", false},
    {"master_sync_in_progress", "syncing", true},
    {"master_last_io_seconds_ago", "heard", true},
    {"master_repl_offset", "offset", true},
    {"used_memory", "memory", true},
    {"maxmemory", "memory_max", true},
    {"connected_clients", "clients", true},
    {"maxclients", "clients_max", true},
    {"loading", "loading", true},
};

/* A whole number, or NAN. */
static double number(mw_str s)
{
    char text[32], *end;
    if (!s.n || s.n >= sizeof text) return NAN;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    double v = strtod(text, &end);
    return *end || !isfinite(v) ? NAN : v;
}

/* "ip=127.0.0.1,port=6380,state=online,offset=14,lag=0" */
static mw_str part(mw_str value, const char *name)
{
    size_t length = strlen(name);
    while (value.n) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        if (n > length && !memcmp(value.p, name, length) && value.p[length] == '=')
            return (mw_str){value.p + length + 1, n - length - 1};
        n += comma ? 1 : 0;
        value = (mw_str){value.p + n, value.n - n};
    }
    return (mw_str){"", 0};
}

static void read_replica(mw_str value, mw_value *out)
{
    if (!mw_str_is(part(value, "state"), "online")) return;
    double lag = number(part(value, "lag")), longest = mw_map_number(out, "replicas_lag", 0);
    mw_map_set_number(out, "replicas", mw_map_number(out, "replicas", 0) + 1);
    mw_map_set_number(out, "replicas_lag", lag > longest ? lag : longest);
}

/* slave0, slave1, ... */
static bool is_replica(mw_str name)
{
    if (!mw_str_starts(name, "slave") || name.n < 6 || name.n > 12) return false;
    for (size_t i = 5; i < name.n; i++)
        if (name.p[i] < '0' || name.p[i] > '9') return false;
    return true;
}

static void read_line(mw_str name, mw_str value, mw_value *out)
{
    if (is_replica(name)) read_replica(value, out);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!mw_str_is(name, rows[i].name)) continue;
        double v = number(value);
        if (rows[i].number && !isnan(v)) mw_map_set_number(out, rows[i].as, v);
        if (!rows[i].number && value.n <= MAX_TEXT && mw_utf8_valid(value))
            mw_map_set(out, rows[i].as, mw_text_new(value));
    }
    if (mw_str_is(name, "connected_slaves") && !mw_map_find(out, "replicas"))
        mw_map_set_number(out, "replicas", 0);
}

void mw_redis_info_read(mw_str text, mw_value *out)
{
    while (text.n) {
        const char *end = memchr(text.p, '\n', text.n), *colon;
        size_t n = end ? (size_t)(end - text.p) : text.n;
        size_t used = n && text.p[n - 1] == '\r' ? n - 1 : n;
        colon = memchr(text.p, ':', used);
        if (colon)
            read_line((mw_str){text.p, (size_t)(colon - text.p)},
                      (mw_str){colon + 1, used - (size_t)(colon + 1 - text.p)}, out);
        n += end ? 1 : 0;
        text = (mw_str){text.p + n, text.n - n};
    }
}
