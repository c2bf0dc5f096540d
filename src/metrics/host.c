/* host.c - which files are read, how often, and what their text is made of.
 *
 * Names are those of node_exporter, so that its dashboards and rules work.  A file that cannot be
 * read or makes no sense is counted and passed over; the others are not disturbed.
 * SPDX-License-Identifier: MIT */
#include "metrics/host.h"

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
} file_row;

/* stat first: the boot time is needed for the start of this process. */
static const file_row files[] = {
    {"stat", mw_host_read_stat},       {"meminfo", mw_host_read_meminfo},
    {"loadavg", mw_host_read_loadavg}, {"diskstats", mw_host_read_diskstats},
    {"net/dev", mw_host_read_net},     {"mounts", mw_host_read_mounts},
    {"self/stat", mw_host_read_self},
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
    return h;
}

void mw_host_stats_free(mw_host_stats *h)
{
    if (!h) return;
    mw_buf_deinit(&h->text);
    pthread_mutex_destroy(&h->lock);
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

static bool read_whole(const char *path, mw_buf *out)
{
    mw_buf_reset(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    ssize_t got;
    do {
        got = read(fd, mw_buf_room(out, READ_STEP), READ_STEP);
        if (got > 0) out->n += (size_t)got;
    } while (got > 0 && out->n < FILE_MAX);
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

static void collect(mw_host_stats *h)
{
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", h->root, files[i].path);
        bool fine = read_whole(path, &h->text) && files[i].read(h, (mw_str){h->text.p, h->text.n});
        if (!fine) failed(h, files[i].path);
    }
    snprintf(path, sizeof path, "%s/self/fd", h->root);
    if (!mw_host_count_fds(h, path)) failed(h, "self/fd");
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
