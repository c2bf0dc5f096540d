/* host.c - which files are read, how often, and what their text is made of.
 *
 * Names are those of node_exporter, so that its dashboards and rules work.  A file that cannot be
 * read or makes no sense is counted and passed over; the others are not disturbed.
 * SPDX-License-Identifier: MIT */
#include "metrics/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "metrics/host_inside.h"

enum { FILE_MAX = 1 << 20, READ_STEP = 8192, PATH_BYTES = 512, ONCE_PER_NS = 1000000000 };

typedef struct file_row {
    const char *path; /* below the root */
    bool (*read)(mw_host_stats *h, mw_str text);
    bool optional; /* kernels may be built without it */
} file_row;

/* stat first: the boot time is needed for the start of this process. */
static const file_row files[] = {
    {"stat", mw_host_read_stat, false},
    {"meminfo", mw_host_read_meminfo, false},
    {"loadavg", mw_host_read_loadavg, false},
    {"diskstats", mw_host_read_diskstats, false},
    {"net/dev", mw_host_read_net, false},
    {"mounts", mw_host_read_mounts, false},
    {"self/stat", mw_host_read_self, false},
    {"pressure/cpu", mw_host_read_pressure_cpu, true},
    {"pressure/io", mw_host_read_pressure_io, true},
    {"pressure/memory", mw_host_read_pressure_memory, true},
    {"sys/fs/file-nr", mw_host_read_files, true},
    {"vmstat", mw_host_read_vmstat, true},
    {"net/sockstat", mw_host_read_sockstat, true},
    {"net/netstat", mw_host_read_protocols, true},
    {"net/snmp", mw_host_read_protocols, true},
    {"net/sockstat6", mw_host_read_sockstat, true},
    {"net/snmp6", mw_host_read_protocols6, true},
    {"pressure/irq", mw_host_read_pressure_irq, true},
    {"sys/kernel/random/entropy_avail", mw_host_read_entropy, true},
    {"sys/kernel/random/poolsize", mw_host_read_entropy_pool, true},
    {"sys/net/netfilter/nf_conntrack_count", mw_host_read_tracked, true},
    {"sys/net/netfilter/nf_conntrack_max", mw_host_read_tracked_most, true},
    {"net/stat/nf_conntrack", mw_host_read_tracking, true},
    {"sys/kernel/threads-max", mw_host_read_most_threads, true},
    {"sys/kernel/pid_max", mw_host_read_most_processes, true},
    {"net/softnet_stat", mw_host_read_softnet, true},
    {"net/arp", mw_host_read_arp, true},
    {"net/udp", mw_host_read_udp, true},
    {"net/udp6", mw_host_read_udp6, true},
    {"schedstat", mw_host_read_schedstat, true},
};

mw_host_stats *mw_host_stats_new(mw_registry *reg, const char *root)
{
    mw_host_stats *h = mw_zalloc(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    h->reg = reg;
    h->root = mw_strdup(root);
    h->ticks = (double)sysconf(_SC_CLK_TCK);
    h->page = (double)sysconf(_SC_PAGESIZE);
    mw_buf_init(&h->text);
    mw_passing_init(&h->passing, reg);
    return h;
}

void mw_host_stats_cgroups(mw_host_stats *h, const char *root) { h->cgroups = mw_strdup(root); }

void mw_host_stats_sys(mw_host_stats *h, const char *root) { h->sys = mw_strdup(root); }

void mw_host_stats_free(mw_host_stats *h)
{
    if (!h) return;
    mw_buf_deinit(&h->text);
    mw_passing_deinit(&h->passing);
    pthread_mutex_destroy(&h->lock);
    mw_host_groups_free(h);
    mw_free(h->cgroups);
    mw_free(h->sys);
    mw_free(h->root);
    mw_free(h);
}

/* -- text ----------------------------------------------------------------------------------- */

bool mw_host_line(mw_str *rest, mw_str *line)
{
    if (rest->n == 0) return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    *line = (mw_str){rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = line->n + (end ? 1 : 0);
    *rest = (mw_str){rest->p + used, rest->n - used};
    return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool mw_host_field(mw_str *line, mw_str *field)
{
    size_t i = 0, start;
    while (i < line->n && is_blank(line->p[i])) i++;
    start = i;
    while (i < line->n && !is_blank(line->p[i])) i++;
    *field = (mw_str){line->p + start, i - start};
    *line = (mw_str){line->p + i, line->n - i};
    return field->n > 0;
}

bool mw_host_is_count(mw_str field, double *v)
{
    double sum = 0;
    for (size_t i = 0; i < field.n; i++) {
        if (field.p[i] < '0' || field.p[i] > '9') return false;
        sum = sum * 10 + (field.p[i] - '0');
    }
    *v = sum;
    return field.n > 0 && field.n <= 20;
}

bool mw_host_count(mw_str *line, double *v)
{
    mw_str field;
    return mw_host_field(line, &field) && mw_host_is_count(field, v);
}

void mw_host_note(mw_host_stats *h, mw_kind kind, const char *name, const char *help,
                  const mw_label *labels, size_t n, double v)
{
    mw_family f = {.kind = kind, .name = name, .help = help};
    mw_series *s;
    if (mw_registry_series(h->reg, &f, labels, n, &s, NULL) != MW_OK) return;
    if (kind == MW_COUNTER)
        mw_counter_set(s, v);
    else
        mw_gauge_set(s, v);
}

/* -- files ---------------------------------------------------------------------------------- */

/* The whole of a file of the kernel.  *THERE: it is no matter of how this kernel was built. */
bool mw_host_read_file(const char *path, mw_buf *out, bool *there)
{
    mw_buf_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *there = fd >= 0 || (errno != ENOENT && errno != EOPNOTSUPP);
    if (fd < 0) return false;
    ssize_t got;
    do {
        got = read(fd, mw_buf_room(out, READ_STEP), READ_STEP);
        if (got > 0) out->n += (size_t)got;
    } while (got > 0 && out->n < FILE_MAX);
    if (got < 0 && errno == EOPNOTSUPP) *there = false; /* pressure, when it is switched off */
    close(fd);
    return got == 0 && out->n > 0;
}

static void failed(mw_host_stats *h, const char *file)
{
    mw_series *s = mw_counter(h->reg, "moonwatch_host_read_failures_total",
                              "Files about this host that could not be read or understood.", "file",
                              file, NULL);
    mw_counter_add(s, 1);
}

static void collect_file(mw_host_stats *h, const file_row *row)
{
    char path[PATH_BYTES];
    bool there;
    snprintf(path, sizeof path, "%s/%s", h->root, row->path);
    bool fine =
        mw_host_read_file(path, &h->text, &there) && row->read(h, (mw_str){h->text.p, h->text.n});
    if (!fine && (there || !row->optional)) failed(h, row->path);
}

static void collect(mw_host_stats *h)
{
    char path[PATH_BYTES];
    mw_passing_begin(&h->passing);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) collect_file(h, &files[i]);
    snprintf(path, sizeof path, "%s/self/fd", h->root);
    if (!mw_host_count_fds(h, path)) failed(h, "self/fd");
    mw_host_tell_uname(h);
    mw_host_tell_clock(h);
    mw_host_count_processes(h);
    mw_host_read_sys(h);
    mw_host_read_cgroups(h);
    mw_host_read_groups(h);
    mw_passing_end(&h->passing);
}

void mw_host_stats_collect(void *arg, mw_registry *reg)
{
    mw_host_stats *h = arg;
    pthread_mutex_lock(&h->lock);
    int64_t now = mw_mono_ns();
    if (h->last_ns == 0 || now - h->last_ns >= ONCE_PER_NS) {
        h->last_ns = now;
        collect(h);
    }
    pthread_mutex_unlock(&h->lock);
}
