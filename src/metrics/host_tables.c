/* host_tables.c - what the kernel counts in tables and single files: packets per processor,
 * neighbours, connections that are tracked, queues, randomness, turns on processors.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/host_inside.h"

enum { DIGITS = 16 };

static bool is_hex(mw_str field, double *v)
{
    char digits[DIGITS + 1];
    if (!field.n || field.n > DIGITS) return false;
    for (size_t i = 0; i < field.n; i++)
        if (!isxdigit((unsigned char)field.p[i])) return false;
    snprintf(digits, sizeof digits, "%.*s", MW_STR_ARG(field));
    *v = (double)strtoull(digits, NULL, 16);
    return true;
}

/* -- files of one number ---------------------------------------------------------------------- */

static bool single(mw_host_stats *h, mw_str text, const char *name, const char *help)
{
    double v;
    mw_str line;
    if (!mw_host_line(&text, &line) || !mw_host_count(&line, &v)) return false;
    mw_passing_set(&h->passing, MW_GAUGE, name, help, NULL, 0, v);
    return true;
}

#define SINGLE(reader, name, help) \
    bool reader(mw_host_stats *h, mw_str text) { return single(h, text, name, help); }

SINGLE(mw_host_read_entropy, "node_entropy_available_bits", "Bits of available entropy.")
SINGLE(mw_host_read_entropy_pool, "node_entropy_pool_size_bits", "Bits of entropy pool.")
SINGLE(mw_host_read_tracked, "node_nf_conntrack_entries", "Connections that are tracked.")
SINGLE(mw_host_read_tracked_most, "node_nf_conntrack_entries_limit", "Connections that may be.")
SINGLE(mw_host_read_most_threads, "node_processes_max_threads", "Threads that there may be.")
SINGLE(mw_host_read_most_processes, "node_processes_max_processes", "Numbers of processes.")

/* -- /proc/net/softnet_stat: a line of hexadecimal figures for each processor ------------------ */

bool mw_host_read_softnet(mw_host_stats *h, mw_str text)
{
    static const struct {
        size_t column;
        const char *name, *help;
    } rows[] = {
        {0, "node_softnet_processed_total", "Packets that a processor took in."},
        {1, "node_softnet_dropped_total", "Packets for which its queue had no room."},
        {2, "node_softnet_times_squeezed_total", "Times that it had no time for all of them."},
        {9, "node_softnet_received_rps_total", "Times that another processor woke it for packets."},
        {10, "node_softnet_flow_limit_count_total", "Packets dropped as one flow had too many."},
    };
    enum { COLUMNS = 11 };
    mw_str line, field;
    bool found = false;
    for (int cpu = 0; mw_host_line(&text, &line); cpu++) {
        double v[COLUMNS];
        char number[16];
        size_t n = 0;
        while (n < COLUMNS && mw_host_field(&line, &field) && is_hex(field, &v[n])) n++;
        snprintf(number, sizeof number, "%d", cpu);
        mw_label l = {MW_STR("cpu"), mw_str_of(number)};
        for (size_t i = 0; i < sizeof rows / sizeof *rows && rows[i].column < n; i++)
            mw_passing_set(&h->passing, MW_COUNTER, rows[i].name, rows[i].help, &l, 1,
                           v[rows[i].column]);
        found |= n > 2;
    }
    return found;
}

/* -- /proc/net/stat/nf_conntrack: names, then a line for each processor ------------------------ */

bool mw_host_read_tracking(mw_host_stats *h, mw_str text)
{
    static const char *const told[] = {"found",         "invalid", "ignore",     "insert",
                                       "insert_failed", "drop",    "early_drop", "search_restart"};
    enum { TOLD = sizeof told / sizeof *told };
    double sum[TOLD] = {0}, v;
    bool known[TOLD] = {false};
    mw_str names, line, name, field;
    if (!mw_host_line(&text, &names)) return false;
    while (mw_host_line(&text, &line))
        for (mw_str heads = names; mw_host_field(&heads, &name) && mw_host_field(&line, &field);)
            for (size_t i = 0; i < TOLD; i++)
                if (mw_str_is(name, told[i]) && is_hex(field, &v)) known[i] = true, sum[i] += v;
    bool found = false;
    for (size_t i = 0; i < TOLD; i++) {
        char metric[64];
        snprintf(metric, sizeof metric, "node_nf_conntrack_stat_%s", told[i]);
        if (known[i])
            mw_passing_set(&h->passing, MW_GAUGE, metric, "A figure of connection tracking.", NULL,
                           0, sum[i]);
        found |= known[i];
    }
    return found;
}

/* -- /proc/net/arp: the last field is the device ----------------------------------------------- */

bool mw_host_read_arp(mw_host_stats *h, mw_str text)
{
    enum { DEVICES = 64 };
    mw_str device[DEVICES], line, field, last = {"", 0};
    double count[DEVICES];
    size_t n = 0;
    if (!mw_host_line(&text, &line) || !mw_str_starts(line, "IP address")) return false;
    while (mw_host_line(&text, &line)) {
        while (mw_host_field(&line, &field)) last = field;
        size_t i = 0;
        while (i < n && !mw_str_eq(device[i], last)) i++;
        if (i == DEVICES || !last.n) continue;
        if (i == n) device[n] = last, count[n++] = 0;
        count[i]++;
    }
    for (size_t i = 0; i < n; i++) {
        mw_label l = {MW_STR("device"), device[i]};
        mw_passing_set(&h->passing, MW_GAUGE, "node_arp_entries", "Neighbours by device.", &l, 1,
                       count[i]);
    }
    return true;
}

/* -- /proc/net/udp: "sl local remote st tx_queue:rx_queue ..." --------------------------------- */

static bool udp_queues(mw_host_stats *h, mw_str text, const char *ip)
{
    enum { QUEUES = 4 };
    double tx = 0, rx = 0, t, r;
    mw_str line, field = {"", 0};
    if (!mw_host_line(&text, &line)) return false;
    while (mw_host_line(&text, &line)) {
        size_t i = 0;
        while (i <= QUEUES && mw_host_field(&line, &field)) i++;
        const char *colon = i > QUEUES ? memchr(field.p, ':', field.n) : NULL;
        if (!colon) continue;
        size_t n = (size_t)(colon - field.p);
        if (is_hex((mw_str){field.p, n}, &t) && is_hex((mw_str){colon + 1, field.n - n - 1}, &r))
            tx += t, rx += r;
    }
    for (int i = 0; i < 2; i++) {
        mw_label l[] = {{MW_STR("queue"), i ? MW_STR("rx") : MW_STR("tx")},
                        {MW_STR("ip"), mw_str_of(ip)}};
        mw_passing_set(&h->passing, MW_GAUGE, "node_udp_queues",
                       "Bytes in the queues of UDP sockets.", l, 2, i ? rx : tx);
    }
    return true;
}

bool mw_host_read_udp(mw_host_stats *h, mw_str text) { return udp_queues(h, text, "v4"); }
bool mw_host_read_udp6(mw_host_stats *h, mw_str text) { return udp_queues(h, text, "v6"); }

/* -- /proc/schedstat: "cpu0 0 0 0 0 0 0 RUNNING WAITING SLICES", nanoseconds --------------------
 */

bool mw_host_read_schedstat(mw_host_stats *h, mw_str text)
{
    static const struct {
        const char *name, *help;
        double over;
    } rows[] = {
        {"node_schedstat_running_seconds_total", "Seconds that a processor ran something.", 1e9},
        {"node_schedstat_waiting_seconds_total", "Seconds that something waited for it.", 1e9},
        {"node_schedstat_timeslices_total", "Turns on it.", 1},
    };
    enum { SKIPPED = 6, ROWS = sizeof rows / sizeof *rows };
    mw_str line, word;
    bool found = false;
    while (mw_host_line(&text, &line)) {
        double v, unused;
        if (!mw_host_field(&line, &word) || !mw_str_starts(word, "cpu") || word.n < 4) continue;
        mw_label l = {MW_STR("cpu"), {word.p + 3, word.n - 3}};
        if (!mw_host_is_count(l.value, &unused)) continue;
        for (int i = 0; i < SKIPPED + (int)ROWS && mw_host_count(&line, &v); i++) {
            if (i < SKIPPED) continue;
            const int at = i - SKIPPED;
            mw_passing_set(&h->passing, MW_COUNTER, rows[at].name, rows[at].help, &l, 1,
                           v / rows[at].over);
            found = true;
        }
    }
    return found;
}

/* -- how many processes ------------------------------------------------------------------------ */

void mw_host_count_processes(mw_host_stats *h)
{
    DIR *d = opendir(h->root);
    double n = 0;
    for (const struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    if (!d) return;
    closedir(d);
    mw_passing_set(&h->passing, MW_GAUGE, "node_processes_pids", "Processes.", NULL, 0, n);
}
