/* host_system.c - processors, memory, load: /proc/stat, meminfo, loadavg.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/num.h"
#include "metrics/host_inside.h"

/* -- /proc/stat ----------------------------------------------------------------------------- */

static const char *const cpu_modes[] = {"user",   "nice", "system",  "idle",
                                        "iowait", "irq",  "softirq", "steal"};
enum { MODES = sizeof cpu_modes / sizeof *cpu_modes, IDLE = 3, IOWAIT = 4, MODES_NEEDED = 4 };
enum { GUESTS = 2 }; /* behind them: what of user and nice was for guests */

/* The ticks of each mode; old kernels tell fewer modes. */
static bool read_modes(mw_str *line, double *ticks)
{
    size_t n = 0;
    while (n < MODES && mw_host_count(line, &ticks[n])) n++;
    for (size_t i = n; i < MODES; i++) ticks[i] = 0;
    return n >= MODES_NEEDED;
}

static bool one_cpu(mw_host_stats *h, mw_str number, mw_str line)
{
    double ticks[MODES];
    if (!read_modes(&line, ticks)) return false;
    for (size_t i = 0; i < MODES; i++) {
        mw_label l[] = {{MW_STR("cpu"), number}, {MW_STR("mode"), mw_str_of(cpu_modes[i])}};
        mw_host_note(h, MW_COUNTER, "node_cpu_seconds_total",
                     "Seconds the CPUs spent in each mode.", l, 2, ticks[i] / h->ticks);
    }
    for (size_t i = 0; i < GUESTS; i++) {
        double v;
        mw_label l[] = {{MW_STR("cpu"), number}, {MW_STR("mode"), mw_str_of(cpu_modes[i])}};
        if (!mw_host_count(&line, &v)) break;
        mw_host_note(h, MW_COUNTER, "node_cpu_guest_seconds_total",
                     "Seconds the CPUs spent in guests for each mode.", l, 2, v / h->ticks);
    }
    return true;
}

/* What was not idle since the last collection; since the boot at first. */
static bool all_cpus(mw_host_stats *h, mw_str line)
{
    double ticks[MODES], total = 0;
    if (!read_modes(&line, ticks)) return false;
    for (size_t i = 0; i < MODES; i++) total += ticks[i];
    double busy = total - ticks[IDLE] - ticks[IOWAIT];
    double passed = total - h->total, worked = busy - h->busy;
    if (passed > 0 && worked >= 0)
        mw_host_note(h, MW_GAUGE, "cpu_usage_percent",
                     "Share of all processor time that was not idle, in percent.", NULL, 0,
                     worked < passed ? 100 * worked / passed : 100);
    h->busy = busy;
    h->total = total;
    return true;
}

typedef struct stat_row {
    const char *word;
    mw_kind kind;
    const char *name, *help;
} stat_row;

static const stat_row stat_rows[] = {
    {"btime", MW_GAUGE, "node_boot_time_seconds", "Node boot time, in unixtime."},
    {"ctxt", MW_COUNTER, "node_context_switches_total", "Total number of context switches."},
    {"intr", MW_COUNTER, "node_intr_total", "Total number of interrupts serviced."},
    {"processes", MW_COUNTER, "node_forks_total", "Total number of forks."},
    {"procs_running", MW_GAUGE, "node_procs_running", "Number of processes in runnable state."},
    {"procs_blocked", MW_GAUGE, "node_procs_blocked",
     "Number of processes blocked waiting for I/O to complete."},
};

static void single_figure(mw_host_stats *h, mw_str word, mw_str line)
{
    double v;
    for (size_t i = 0; i < sizeof stat_rows / sizeof *stat_rows; i++) {
        const stat_row *row = &stat_rows[i];
        if (!mw_str_is(word, row->word) || !mw_host_count(&line, &v)) continue;
        mw_host_note(h, row->kind, row->name, row->help, NULL, 0, v);
        if (i == 0) h->boot_time = v;
    }
}

bool mw_host_read_stat(mw_host_stats *h, mw_str text)
{
    mw_str line, word;
    double number;
    bool found = false;
    while (mw_host_line(&text, &line)) {
        if (!mw_host_field(&line, &word)) continue;
        mw_str rest = {word.p + 3, word.n - 3};
        if (mw_str_is(word, "cpu"))
            found |= all_cpus(h, line);
        else if (mw_str_starts(word, "cpu") && mw_host_is_count(rest, &number))
            found |= one_cpu(h, rest, line);
        else
            single_figure(h, word, line);
    }
    return found;
}

/* -- /proc/meminfo -------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 96 };

/* "Active(anon):" as node_memory_Active_anon; false when the word is no name. */
static bool memory_name(mw_str word, bool bytes, char *out)
{
    size_t n = 0;
    static const char prefix[] = "node_memory_";
    if (word.n < 2 || word.n > 64 || word.p[word.n - 1] != ':') return false;
    for (const char *p = prefix; *p; p++) out[n++] = *p;
    for (size_t i = 0; i + 1 < word.n; i++) {
        if (word.p[i] == ')') continue;
        out[n++] = word.p[i] == '(' ? '_' : word.p[i];
    }
    memcpy(out + n, bytes ? "_bytes" : "", bytes ? sizeof "_bytes" : 1);
    return mw_metric_name_valid(mw_str_of(out));
}

bool mw_host_read_meminfo(mw_host_stats *h, mw_str text)
{
    mw_str line, word, unit;
    char name[NAME_MAX_BYTES];
    double v, total = -1, available = -1;
    while (mw_host_line(&text, &line)) {
        if (!mw_host_field(&line, &word) || !mw_host_count(&line, &v)) continue;
        bool bytes = mw_host_field(&line, &unit) && mw_str_is(unit, "kB");
        if (bytes) v *= 1024;
        if (!memory_name(word, bytes, name)) continue;
        mw_host_note(h, MW_GAUGE, name, "Memory information, as /proc/meminfo names it.", NULL, 0,
                     v);
        if (mw_str_is(word, "MemTotal:")) total = v;
        if (mw_str_is(word, "MemAvailable:")) available = v;
    }
    if (total < 0 || available < 0 || available > total) return false;
    mw_host_note(h, MW_GAUGE, "memory_usage_bytes",
                 "Memory of this host that is not available to new work.", NULL, 0,
                 total - available);
    return true;
}

/* -- /proc/loadavg -------------------------------------------------------------------------- */

/* "2/345": of 345 threads two are running. */
static void threads(mw_host_stats *h, mw_str rest)
{
    mw_str field;
    double v;
    const char *slash = mw_host_field(&rest, &field) ? memchr(field.p, '/', field.n) : NULL;
    if (slash && mw_host_is_count((mw_str){slash + 1, field.n - (size_t)(slash + 1 - field.p)}, &v))
        mw_host_note(h, MW_GAUGE, "node_processes_threads", "Threads of all processes.", NULL, 0,
                     v);
}

bool mw_host_read_loadavg(mw_host_stats *h, mw_str text)
{
    static const struct {
        const char *name, *help;
    } rows[] = {{"node_load1", "1m load average."},
                {"node_load5", "5m load average."},
                {"node_load15", "15m load average."}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mw_str field;
        double v;
        if (!mw_host_field(&text, &field) || !mw_double_parse(field, &v) || !(v >= 0 && v < 1e9))
            return false;
        mw_host_note(h, MW_GAUGE, rows[i].name, rows[i].help, NULL, 0, v);
    }
    threads(h, text);
    return true;
}
