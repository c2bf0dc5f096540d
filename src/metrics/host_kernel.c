/* host_kernel.c - what the kernel says of itself as a whole: pressure, names, memory events, open
 * files, sockets and protocols.  SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "metrics/host_inside.h"

/* -- /proc/pressure/... ---------------------------------------------------------------------- */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234": microseconds.  node_exporter calls "some"
 * waiting and "full" stalled, and has no "full" of the processor. */
static bool read_pressure(mw_host_stats *h, mw_str text, const char *waiting, const char *stalled)
{
    static const char total[] = "total=";
    mw_str line, word, field;
    bool found = false;
    while (mw_host_line(&text, &line)) {
        double us;
        if (!mw_host_field(&line, &word)) continue;
        const char *name = mw_str_is(word, "some")   ? waiting
                           : mw_str_is(word, "full") ? stalled
                                                     : NULL;
        while (mw_host_field(&line, &field)) {
            if (!mw_str_starts(field, total)) continue;
            mw_str digits = {field.p + sizeof total - 1, field.n - (sizeof total - 1)};
            if (!mw_host_is_count(digits, &us)) continue;
            found = true;
            if (name)
                mw_host_note(h, MW_COUNTER, name, "Seconds that tasks waited for it.", NULL, 0,
                             us / 1e6);
        }
    }
    return found;
}

bool mw_host_read_pressure_cpu(mw_host_stats *h, mw_str text)
{
    return read_pressure(h, text, "node_pressure_cpu_waiting_seconds_total", NULL);
}

bool mw_host_read_pressure_io(mw_host_stats *h, mw_str text)
{
    return read_pressure(h, text, "node_pressure_io_waiting_seconds_total",
                         "node_pressure_io_stalled_seconds_total");
}

bool mw_host_read_pressure_memory(mw_host_stats *h, mw_str text)
{
    return read_pressure(h, text, "node_pressure_memory_waiting_seconds_total",
                         "node_pressure_memory_stalled_seconds_total");
}

/* Has no "some". */
bool mw_host_read_pressure_irq(mw_host_stats *h, mw_str text)
{
    return read_pressure(h, text, NULL, "node_pressure_irq_stalled_seconds_total");
}

/* -- uname ----------------------------------------------------------------------------------- */

void mw_host_tell_uname(mw_host_stats *h)
{
    struct utsname u;
    if (uname(&u) != 0) return;
    mw_label l[] = {
        {MW_STR("sysname"), mw_str_of(u.sysname)},
        {MW_STR("release"), mw_str_of(u.release)},
        {MW_STR("version"), mw_str_of(u.version)},
        {MW_STR("machine"), mw_str_of(u.machine)},
        {MW_STR("nodename"), mw_str_of(u.nodename)},
        {MW_STR("domainname"), mw_str_of(u.domainname)},
    };
    mw_passing_set(&h->passing, MW_GAUGE, "node_uname_info",
                   "Labeled system information as provided by the uname system call.", l, 6, 1);
}

/* -- /proc/sys/fs/file-nr -------------------------------------------------------------------- */

bool mw_host_read_files(mw_host_stats *h, mw_str text)
{
    double allocated, free_, most;
    mw_str line;
    if (!mw_host_line(&text, &line) || !mw_host_count(&line, &allocated) ||
        !mw_host_count(&line, &free_) || !mw_host_count(&line, &most))
        return false;
    mw_host_note(h, MW_GAUGE, "node_filefd_allocated", "File descriptors allocated.", NULL, 0,
                 allocated);
    mw_host_note(h, MW_GAUGE, "node_filefd_maximum", "File descriptors that there may be.", NULL, 0,
                 most);
    return true;
}

/* -- names out of words ---------------------------------------------------------------------- */

enum { NAME_BYTES = 128 };

/* PREFIX A _ B as a metric's name; false when it is none. */
static bool name_of(char *out, const char *prefix, mw_str a, mw_str b)
{
    int n = snprintf(out, NAME_BYTES, "%s%.*s%s%.*s", prefix, MW_STR_ARG(a), b.n ? "_" : "",
                     MW_STR_ARG(b));
    return n > 0 && n < NAME_BYTES && mw_metric_name_valid(mw_str_of(out));
}

/* -- /proc/vmstat ---------------------------------------------------------------------------- */

static bool is_told(mw_str name)
{
    return mw_str_starts(name, "oom_kill") || mw_str_starts(name, "pgpg") ||
           mw_str_starts(name, "pswp") ||
           (mw_str_starts(name, "pg") && memmem(name.p, name.n, "fault", 5));
}

bool mw_host_read_vmstat(mw_host_stats *h, mw_str text)
{
    mw_str line, word;
    char name[NAME_BYTES];
    bool found = false;
    while (mw_host_line(&text, &line)) {
        double v;
        if (!mw_host_field(&line, &word) || !mw_host_count(&line, &v)) continue;
        found = true;
        if (is_told(word) && name_of(name, "node_vmstat_", word, (mw_str){0}))
            mw_host_note(h, MW_GAUGE, name, "A figure of /proc/vmstat.", NULL, 0, v);
    }
    return found;
}

/* -- /proc/net/sockstat ---------------------------------------------------------------------- */

/* "TCP: inuse 3 orphan 0 tw 1 alloc 5 mem 2"; memory is in pages. */
bool mw_host_read_sockstat(mw_host_stats *h, mw_str text)
{
    mw_str line, protocol, word;
    char name[NAME_BYTES];
    bool found = false;
    while (mw_host_line(&text, &line)) {
        double v;
        if (!mw_host_field(&line, &protocol) || protocol.p[protocol.n - 1] != ':') continue;
        protocol.n--;
        while (mw_host_field(&line, &word) && mw_host_count(&line, &v)) {
            found = true;
            if (!name_of(name, "node_sockstat_", protocol, word)) continue;
            mw_host_note(h, MW_GAUGE, name, "A figure of /proc/net/sockstat.", NULL, 0, v);
            if (!mw_str_is(word, "mem") ||
                !name_of(name, "node_sockstat_", protocol, MW_STR("mem_bytes")))
                continue;
            mw_host_note(h, MW_GAUGE, name, "Memory of sockets.", NULL, 0, v * h->page);
        }
    }
    return found;
}

/* -- /proc/net/netstat, snmp ----------------------------------------------------------------- */

/* What node_exporter tells unless it is asked for more. */
static const char *const protocols_told[] = {
    "Icmp6_InErrors",
    "Icmp6_InMsgs",
    "Icmp6_OutMsgs",
    "Icmp_InErrors",
    "Icmp_InMsgs",
    "Icmp_OutMsgs",
    "IpExt_InOctets",
    "IpExt_OutOctets",
    "Ip6_InOctets",
    "Ip6_OutOctets",
    "Ip_Forwarding",
    "TcpExt_ListenDrops",
    "TcpExt_ListenOverflows",
    "TcpExt_SyncookiesFailed",
    "TcpExt_SyncookiesRecv",
    "TcpExt_SyncookiesSent",
    "TcpExt_TCPOFOQueue",
    "TcpExt_TCPRcvQDrop",
    "TcpExt_TCPSynRetrans",
    "TcpExt_TCPTimeouts",
    "Tcp_ActiveOpens",
    "Tcp_CurrEstab",
    "Tcp_InErrs",
    "Tcp_InSegs",
    "Tcp_OutRsts",
    "Tcp_OutSegs",
    "Tcp_PassiveOpens",
    "Tcp_RetransSegs",
    "Udp6_InDatagrams",
    "Udp6_InErrors",
    "Udp6_NoPorts",
    "Udp6_OutDatagrams",
    "Udp6_RcvbufErrors",
    "Udp6_SndbufErrors",
    "UdpLite6_InErrors",
    "UdpLite_InErrors",
    "Udp_InDatagrams",
    "Udp_InErrors",
    "Udp_NoPorts",
    "Udp_OutDatagrams",
    "Udp_RcvbufErrors",
    "Udp_SndbufErrors",
};

static bool protocol_told(const char *name)
{
    for (size_t i = 0; i < sizeof protocols_told / sizeof *protocols_told; i++)
        if (!strcmp(protocols_told[i], name)) return true;
    return false;
}

/* Two lines for each protocol: names, then figures, which may be negative. */
bool mw_host_read_protocols(mw_host_stats *h, mw_str text)
{
    static const char prefix[] = "node_netstat_";
    mw_str names, figures, protocol, same, word, field;
    char name[NAME_BYTES];
    bool found = false;
    while (mw_host_line(&text, &names) && mw_host_line(&text, &figures)) {
        if (!mw_host_field(&names, &protocol) || !mw_host_field(&figures, &same)) continue;
        if (!mw_str_eq(protocol, same) || protocol.p[protocol.n - 1] != ':') return false;
        protocol.n--;
        while (mw_host_field(&names, &word) && mw_host_field(&figures, &field)) {
            double v;
            if (!mw_host_is_count(field, &v)) continue;
            found = true;
            if (name_of(name, prefix, protocol, word) && protocol_told(name + sizeof prefix - 1))
                mw_host_note(h, MW_GAUGE, name, "A figure of /proc/net/netstat or snmp.", NULL, 0,
                             v);
        }
    }
    return found;
}

/* "Ip6InOctets 123": the protocol ends with the first 6. */
bool mw_host_read_protocols6(mw_host_stats *h, mw_str text)
{
    static const char prefix[] = "node_netstat_";
    mw_str line, word;
    char name[NAME_BYTES];
    bool found = false;
    while (mw_host_line(&text, &line)) {
        double v;
        if (!mw_host_field(&line, &word) || !mw_host_count(&line, &v)) continue;
        const char *six = memchr(word.p, '6', word.n);
        if (!six) continue;
        found = true;
        size_t n = (size_t)(six - word.p) + 1;
        if (name_of(name, prefix, (mw_str){word.p, n}, (mw_str){word.p + n, word.n - n}) &&
            protocol_told(name + sizeof prefix - 1))
            mw_host_note(h, MW_GAUGE, name, "A figure of /proc/net/snmp6.", NULL, 0, v);
    }
    return found;
}
