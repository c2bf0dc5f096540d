/* host_cgroup.c - groups of processes as the kernel keeps them: cgroup v2, each with its own
 * figures.
 *
 * The tree is walked from the top, so a group comes before those in it; names are their paths. What
 * a group has no file for is left out: a limit that is "max", a controller that is off. No more
 * than MOST groups are read, and those that were not are counted.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "metrics/host_inside.h"

enum { MOST = 300, DEEPEST = 5, PATH_BYTES = 1024 };

typedef struct group {
    mw_host_stats *h;
    const char *path; /* its folder */
    mw_label label;   /* cgroup="/system.slice/nginx.service" */
    mw_container as;  /* what it is beside that */
} group;

/* MORE: a label beside that of the group, or NULL. */
static void note_with(group *g, mw_kind kind, const char *name, const char *help,
                      const mw_label *more, double v)
{
    mw_label l[] = {g->label, more ? *more : g->label};
    mw_passing_set(&g->h->passing, kind, name, help, l, more ? 2 : 1, v);
    if (g->as.name.n) mw_container_tell(g->h, &g->as, kind, name, help, more, v);
}

static void note(group *g, mw_kind kind, const char *name, const char *help, double v)
{
    note_with(g, kind, name, help, NULL, v);
}

static bool read_file(group *g, const char *file, mw_str *text)
{
    char path[PATH_BYTES + 32];
    bool there;
    snprintf(path, sizeof path, "%s/%s", g->path, file);
    if (!mw_host_read_file(path, &g->h->text, &there)) return false;
    *text = (mw_str){g->h->text.p, g->h->text.n};
    return true;
}

/* -- files of one figure ---------------------------------------------------------------------- */

static const struct single {
    const char *file, *name, *help;
} singles[] = {
    {"memory.current", "cgroup_memory_usage_bytes", "Memory that the group uses, caches included."},
    {"memory.max", "cgroup_memory_limit_bytes", "Memory that it may use."},
    {"memory.peak", "cgroup_memory_peak_bytes", "The most that it has used."},
    {"memory.swap.current", "cgroup_memory_swap_bytes", "Swap that the group uses."},
    {"pids.current", "cgroup_pids", "Processes and threads of the group."},
    {"pids.max", "cgroup_pids_limit", "Processes and threads that it may have."},
};

static double single_figures(group *g)
{
    double memory = -1;
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        mw_str text, line;
        double v;
        if (!read_file(g, singles[i].file, &text) || !mw_host_line(&text, &line) ||
            !mw_host_count(&line, &v))
            continue;
        note(g, MW_GAUGE, singles[i].name, singles[i].help, v);
        if (i == 0) memory = v;
    }
    return memory;
}

/* -- files of words and figures ------------------------------------------------------------------
 */

typedef struct row {
    const char *word;
    mw_kind kind;
    const char *name, *help;
    double over;
} row;

static const row cpu_rows[] = {
    {"usage_usec", MW_COUNTER, "cgroup_cpu_usage_seconds_total", "Seconds of processor time.", 1e6},
    {"user_usec", MW_COUNTER, "cgroup_cpu_user_seconds_total", "Of these, in programs.", 1e6},
    {"system_usec", MW_COUNTER, "cgroup_cpu_system_seconds_total", "Of these, in the kernel.", 1e6},
    {"nr_periods", MW_COUNTER, "cgroup_cpu_periods_total", "Periods of its limit that passed.", 1},
    {"nr_throttled", MW_COUNTER, "cgroup_cpu_throttled_periods_total",
     "Periods in which it was held back by its limit.", 1},
    {"throttled_usec", MW_COUNTER, "cgroup_cpu_throttled_seconds_total",
     "Seconds that it was held back.", 1e6},
};

static const row memory_rows[] = {
    {"anon", MW_GAUGE, "cgroup_memory_anon_bytes", "Memory of programs.", 1},
    {"file", MW_GAUGE, "cgroup_memory_file_bytes", "Memory that caches files.", 1},
    {"kernel", MW_GAUGE, "cgroup_memory_kernel_bytes", "Memory of the kernel for the group.", 1},
    {"shmem", MW_GAUGE, "cgroup_memory_shared_bytes", "Shared memory and files in memory.", 1},
    {"pgmajfault", MW_COUNTER, "cgroup_memory_major_faults_total", "Pages read from disks.", 1},
};

static const row event_rows[] = {
    {"high", MW_COUNTER, "cgroup_memory_high_events_total", "Times it was slowed for memory.", 1},
    {"max", MW_COUNTER, "cgroup_memory_limit_events_total", "Times it was at its limit.", 1},
    {"oom", MW_COUNTER, "cgroup_memory_oom_events_total", "Times there was no memory left.", 1},
    {"oom_kill", MW_COUNTER, "cgroup_memory_oom_kills_total", "Processes killed for it.", 1},
};

/* What CARES says of the lines "word figure" of FILE; the figure of the word WANTED, or -1. */
static double words(group *g, const char *file, const row *cares, size_t n, const char *wanted)
{
    mw_str text, line, word;
    double v, found = -1;
    if (!read_file(g, file, &text)) return -1;
    while (mw_host_line(&text, &line)) {
        if (!mw_host_field(&line, &word) || !mw_host_count(&line, &v)) continue;
        if (wanted && mw_str_is(word, wanted)) found = v;
        for (size_t i = 0; i < n; i++)
            if (mw_str_is(word, cares[i].word))
                note(g, cares[i].kind, cares[i].name, cares[i].help, v / cares[i].over);
    }
    return found;
}

#define WORDS(g, file, rows, wanted) words(g, file, rows, sizeof rows / sizeof *rows, wanted)

/* "max 100000" or "150000 100000": microseconds of processor time in so many. */
static void cpu_limit(group *g)
{
    mw_str text, line;
    double quota, period;
    if (!read_file(g, "cpu.max", &text) || !mw_host_line(&text, &line) ||
        !mw_host_count(&line, &quota) || !mw_host_count(&line, &period) || period <= 0)
        return;
    note(g, MW_GAUGE, "cgroup_cpu_limit_cores", "Processors that it may keep busy.",
         quota / period);
}

/* -- io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." ------------------------------------------
 */

static const row io_rows[] = {
    {"rbytes", MW_COUNTER, "cgroup_io_read_bytes_total", "Bytes read from a device.", 1},
    {"wbytes", MW_COUNTER, "cgroup_io_written_bytes_total", "Bytes written to a device.", 1},
    {"rios", MW_COUNTER, "cgroup_io_reads_total", "Reads from a device.", 1},
    {"wios", MW_COUNTER, "cgroup_io_writes_total", "Writes to a device.", 1},
};

static void io_field(group *g, mw_str device, mw_str field)
{
    double v;
    const char *sign = memchr(field.p, '=', field.n);
    size_t n = sign ? (size_t)(sign - field.p) : 0;
    mw_label l = {MW_STR("device"), device};
    if (!n || !mw_host_is_count((mw_str){sign + 1, field.n - n - 1}, &v)) return;
    for (size_t i = 0; i < sizeof io_rows / sizeof *io_rows; i++)
        if (mw_str_is((mw_str){field.p, n}, io_rows[i].word))
            note_with(g, MW_COUNTER, io_rows[i].name, io_rows[i].help, &l, v);
}

static void io(group *g)
{
    mw_str text, line, device, field;
    if (!read_file(g, "io.stat", &text)) return;
    while (mw_host_line(&text, &line))
        if (mw_host_field(&line, &device))
            while (mw_host_field(&line, &field)) io_field(g, device, field);
}

/* -- pressure -------------------------------------------------------------------------------- */

static const struct strain {
    const char *file, *waiting, *stalled;
} strains[] = {
    {"cpu.pressure", "cgroup_pressure_cpu_waiting_seconds_total",
     "cgroup_pressure_cpu_stalled_seconds_total"},
    {"memory.pressure", "cgroup_pressure_memory_waiting_seconds_total",
     "cgroup_pressure_memory_stalled_seconds_total"},
    {"io.pressure", "cgroup_pressure_io_waiting_seconds_total",
     "cgroup_pressure_io_stalled_seconds_total"},
};

static void pressure(group *g)
{
    static const char total[] = "total=";
    for (size_t i = 0; i < sizeof strains / sizeof *strains; i++) {
        mw_str text, line, word, field;
        double us;
        if (!read_file(g, strains[i].file, &text)) continue;
        while (mw_host_line(&text, &line)) {
            if (!mw_host_field(&line, &word)) continue;
            while (mw_host_field(&line, &field))
                if (mw_str_starts(field, total) &&
                    mw_host_is_count((mw_str){field.p + 6, field.n - 6}, &us))
                    note(g, MW_COUNTER,
                         mw_str_is(word, "some") ? strains[i].waiting : strains[i].stalled,
                         mw_str_is(word, "some") ? "Seconds that some of its tasks waited for it."
                                                 : "Seconds that all of its tasks waited for it.",
                         us / 1e6);
        }
    }
}

/* -- the tree --------------------------------------------------------------------------------- */

typedef struct tree {
    mw_host_stats *h;
    size_t root_n; /* bytes of the path of the root */
    size_t read, left_out;
} tree;

static void one_group(tree *t, const char *path)
{
    const char *name = path[t->root_n] ? path + t->root_n : "/";
    group g = {t->h, path, {MW_STR("cgroup"), mw_str_of(name)}, {mw_str_of(name), {"", 0}}};
    if (mw_container_is(g.as.path, &g.as.name)) mw_container_seen(t->h, &g.as, path);
    double memory = single_figures(&g);
    double idle = WORDS(&g, "memory.stat", memory_rows, "inactive_file");
    if (memory >= 0 && idle >= 0)
        note(&g, MW_GAUGE, "cgroup_memory_working_set_bytes",
             "Memory without caches that have not been used for a while: what counts at its limit.",
             memory > idle ? memory - idle : 0);
    WORDS(&g, "memory.events", event_rows, NULL);
    WORDS(&g, "cpu.stat", cpu_rows, NULL);
    cpu_limit(&g);
    io(&g);
    pressure(&g);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

/* Level by level, so that those near the top are read when there are too many. */
static void walk(tree *t, const char *root)
{
    struct place {
        char *path;
        int depth;
    } *queue = NULL;
    size_t n = 0, cap = 0;
    struct place first = {mw_strdup(root), 0};
    MW_PUSH(queue, n, cap, first);
    for (size_t i = 0; i < n; i++) {
        if (t->read == MOST) {
            t->left_out++;
            mw_free(queue[i].path);
            continue;
        }
        t->read++;
        one_group(t, queue[i].path);
        DIR *d = queue[i].depth < DEEPEST ? opendir(queue[i].path) : NULL;
        for (const struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] == '.') continue;
            struct place in = {mw_sprintf("%s/%s", queue[i].path, e->d_name), queue[i].depth + 1};
            if (strlen(in.path) < PATH_BYTES && is_folder(in.path))
                MW_PUSH(queue, n, cap, in);
            else
                mw_free(in.path);
        }
        if (d) closedir(d);
        mw_free(queue[i].path);
    }
    mw_free(queue);
}

void mw_host_read_cgroups(mw_host_stats *h)
{
    static const char *const places[] = {"", "/unified"}; /* beside v1 it is mounted there */
    for (size_t i = 0; h->cgroups && i < 2; i++) {
        char root[PATH_BYTES], file[PATH_BYTES + 32];
        snprintf(root, sizeof root, "%s%s", h->cgroups, places[i]);
        snprintf(file, sizeof file, "%s/cgroup.controllers", root);
        struct stat st;
        if (stat(file, &st)) continue;
        tree t = {h, strlen(root), 0, 0};
        walk(&t, root);
        mw_host_note(h, MW_GAUGE, "moonwatch_host_cgroups_left_out",
                     "Groups of processes that were not read, as there are too many.", NULL, 0,
                     (double)t.left_out);
        return;
    }
}
