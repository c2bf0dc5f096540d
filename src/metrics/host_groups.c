/* host_groups.c - processes that somebody named, each name a group: names of process-exporter.
 *
 * A process belongs to a name when the kernel calls it so (15 characters of it), or when the last
 * part of its first argument is that name.  Counters of a group never go back: what a process had
 * done when it was seen last stays in them when it is gone.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "metrics/host_inside.h"

enum { PATH_BYTES = 300, COMM = 15 };

/* What is counted, in the order of the arrays below. */
enum { USER, SYSTEM, READ, WRITTEN, MINOR, MAJOR, VOLUNTARY, NONVOLUNTARY, COUNTERS };
enum { RESIDENT, VIRTUAL, SWAPPED, MEMORIES };

typedef struct process {
    double pid, start; /* START tells two processes of one number apart */
    size_t group;
    bool seen;
    double count[COUNTERS];
} process;

typedef struct named {
    char *name;
    double count[COUNTERS]; /* of processes that are gone */
    /* of this round */
    double now[COUNTERS], memory[MEMORIES], threads, files, worst, oldest, procs, states[5];
} named;

struct mw_host_groups {
    named *group;
    size_t n;
    process *process;
    size_t n_processes, cap_processes;
};

/* -- life ----------------------------------------------------------------------------------- */

static void free_groups(mw_host_groups *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->n; i++) mw_free(g->group[i].name);
    mw_free(g->group);
    mw_free(g->process);
    mw_free(g);
}

/* Names that were there before keep what they have counted. */
static mw_host_groups *make(const mw_host_groups *before, const char *const *names, size_t n)
{
    mw_host_groups *g = mw_zalloc(sizeof *g);
    g->group = mw_array(n + 1, sizeof *g->group);
    g->n = n;
    for (size_t i = 0; i < n; i++) g->group[i].name = mw_strdup(names[i]);
    for (size_t i = 0; before && i < before->n_processes; i++)
        for (size_t k = 0; k < n; k++)
            if (!strcmp(before->group[before->process[i].group].name, names[k])) {
                process p = before->process[i];
                p.group = k;
                MW_PUSH(g->process, g->n_processes, g->cap_processes, p);
            }
    for (size_t i = 0; before && i < before->n; i++)
        for (size_t k = 0; k < n; k++)
            if (!strcmp(before->group[i].name, names[k]))
                memcpy(g->group[k].count, before->group[i].count, sizeof g->group[k].count);
    return g;
}

void mw_host_stats_processes(mw_host_stats *h, const char *const *names, size_t n)
{
    pthread_mutex_lock(&h->lock);
    mw_host_groups *before = h->groups;
    h->groups = n ? make(before, names, n) : NULL;
    free_groups(before);
    h->last_ns = 0; /* who asks next sees them */
    pthread_mutex_unlock(&h->lock);
}

void mw_host_groups_free(mw_host_stats *h) { free_groups(h->groups); }

/* -- one process ---------------------------------------------------------------------------- */

static bool read_of(mw_host_stats *h, const char *pid, const char *file, mw_str *text)
{
    char path[PATH_BYTES];
    bool there;
    snprintf(path, sizeof path, "%s/%s/%s", h->root, pid, file);
    if (!mw_host_read_file(path, &h->text, &there)) return false;
    *text = (mw_str){h->text.p, h->text.n};
    return true;
}

static mw_str last_part(mw_str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    size_t used = slash ? (size_t)(slash - path.p) + 1 : 0;
    return (mw_str){path.p + used, path.n - used};
}

/* "nginx: worker process" is nginx. */
static bool is_called(mw_str word, const char *name)
{
    size_t n = strlen(name);
    return word.n >= n && !memcmp(word.p, name, n) &&
           (word.n == n || word.p[n] == ':' || word.p[n] == ' ');
}

/* The group of the process PID whose name, as the kernel has it, is COMM; SIZE_MAX: none. */
static size_t group_of(mw_host_stats *h, const char *pid, const char *comm)
{
    const mw_host_groups *g = h->groups;
    mw_str text = {"", 0};
    bool asked = false;
    for (size_t i = 0; i < g->n; i++)
        if (!strncmp(comm, g->group[i].name, COMM) && strlen(g->group[i].name) <= COMM) return i;
    for (size_t i = 0; i < g->n; i++) {
        if (!asked) {
            asked = true;
            if (!read_of(h, pid, "cmdline", &text)) return SIZE_MAX;
            const char *end = memchr(text.p, 0, text.n);
            if (end) text.n = (size_t)(end - text.p);
        }
        const char *space = memchr(text.p, ' ', text.n);
        mw_str first = {text.p, space ? (size_t)(space - text.p) : text.n};
        if (is_called(last_part(first), g->group[i].name)) return i;
    }
    return SIZE_MAX;
}

/* Fields behind the name, counted from the state, which is 0. */
enum {
    F_MINOR = 7,
    F_MAJOR = 9,
    F_USER = 11,
    F_SYSTEM = 12,
    F_THREADS = 17,
    F_START = 19,
    F_VIRTUAL = 20,
    F_RESIDENT = 21,
    FIELDS = 22
};

typedef struct seen {
    char comm[COMM + 1], state;
    double v[FIELDS];
} seen;

static bool read_stat(mw_str text, seen *s)
{
    const char *open = memchr(text.p, '(', text.n), *close = memrchr(text.p, ')', text.n);
    mw_str field;
    if (!open || !close || close < open) return false;
    size_t n = (size_t)(close - open - 1);
    snprintf(s->comm, sizeof s->comm, "%.*s", (int)(n > COMM ? COMM : n), open + 1);
    mw_str rest = {close + 1, text.n - (size_t)(close + 1 - text.p)};
    for (size_t i = 0; i < FIELDS; i++) {
        s->v[i] = 0;
        if (!mw_host_field(&rest, &field)) return false;
        if (i == 0)
            s->state = field.p[0];
        else
            mw_host_is_count(field, &s->v[i]);
    }
    return true;
}

/* The figure behind each of N words in a file of "word: figure" lines. */
static void find_words(mw_str text, const char *const *words, size_t n, double *out)
{
    mw_str line, word;
    double v;
    while (mw_host_line(&text, &line))
        if (mw_host_field(&line, &word) && mw_host_count(&line, &v))
            for (size_t i = 0; i < n; i++)
                if (mw_str_is(word, words[i])) out[i] = v;
}

static double open_files(mw_host_stats *h, const char *pid)
{
    char path[PATH_BYTES];
    double n = 0;
    snprintf(path, sizeof path, "%s/%s/fd", h->root, pid);
    DIR *d = opendir(path);
    if (!d) return 0;
    for (const struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* "Max open files   1024   524288   files" */
static double file_limit(mw_host_stats *h, const char *pid)
{
    static const char what[] = "Max open files";
    mw_str text, line;
    double v;
    if (!read_of(h, pid, "limits", &text)) return 0;
    while (mw_host_line(&text, &line)) {
        if (!mw_str_starts(line, what)) continue;
        line = (mw_str){line.p + sizeof what - 1, line.n - (sizeof what - 1)};
        return mw_host_count(&line, &v) ? v : 0;
    }
    return 0;
}

static process *known(mw_host_groups *g, double pid, double start, size_t group)
{
    for (size_t i = 0; i < g->n_processes; i++)
        if (g->process[i].pid == pid && g->process[i].start == start) return &g->process[i];
    process p = {.pid = pid, .start = start, .group = group};
    MW_PUSH(g->process, g->n_processes, g->cap_processes, p);
    return &g->process[g->n_processes - 1];
}

static const char state_letters[] =
    "RSDZ"; /* running, sleeping, waiting, zombie; then all others */

static void count_process(mw_host_stats *h, const char *pid, const seen *s, size_t group)
{
    static const char *const status[] = {
        "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:", "VmSwap:"};
    static const char *const io[] = {"read_bytes:", "write_bytes:"};
    named *g = &h->groups->group[group];
    process *p = known(h->groups, strtod(pid, NULL), s->v[F_START], group);
    double words[3] = {0}, bytes[2] = {0}, files = open_files(h, pid), limit = file_limit(h, pid);
    mw_str text;
    if (read_of(h, pid, "status", &text)) find_words(text, status, 3, words);
    if (read_of(h, pid, "io", &text)) find_words(text, io, 2, bytes);
    const double count[COUNTERS] = {[USER] = s->v[F_USER] / h->ticks,
                                    [SYSTEM] = s->v[F_SYSTEM] / h->ticks,
                                    [READ] = bytes[0],
                                    [WRITTEN] = bytes[1],
                                    [MINOR] = s->v[F_MINOR],
                                    [MAJOR] = s->v[F_MAJOR],
                                    [VOLUNTARY] = words[0],
                                    [NONVOLUNTARY] = words[1]};
    p->seen = true;
    for (size_t i = 0; i < COUNTERS; i++)
        if (count[i] > p->count[i]) p->count[i] = count[i];
    double start = h->boot_time + s->v[F_START] / h->ticks;
    const char *letter = strchr(state_letters, s->state);
    g->states[letter && *letter ? letter - state_letters : 4]++;
    g->memory[RESIDENT] += s->v[F_RESIDENT] * h->page;
    g->memory[VIRTUAL] += s->v[F_VIRTUAL];
    g->memory[SWAPPED] += words[2] * 1024;
    g->threads += s->v[F_THREADS];
    g->files += files;
    if (limit > 0 && files / limit > g->worst) g->worst = files / limit;
    if (!g->procs++ || start < g->oldest) g->oldest = start;
}

/* -- what is told ---------------------------------------------------------------------------- */

typedef struct told {
    const char *name, *help, *label, *value;
    mw_kind kind;
    size_t at; /* offset of a double in struct named */
} told;

#define TOLD(kind, metric, help, label, value, field)                                      \
    {                                                                                      \
        "namedprocess_namegroup_" metric, help, label, value, kind, offsetof(named, field) \
    }
static const told figures[] = {
    TOLD(MW_GAUGE, "num_procs", "Processes of the group.", NULL, NULL, procs),
    TOLD(MW_GAUGE, "num_threads", "Threads of its processes.", NULL, NULL, threads),
    TOLD(MW_GAUGE, "open_filedesc", "Open files of its processes.", NULL, NULL, files),
    TOLD(MW_GAUGE, "worst_fd_ratio", "The process nearest to its limit of open files: their share.",
         NULL, NULL, worst),
    TOLD(MW_GAUGE, "oldest_start_time_seconds", "When the oldest process began.", NULL, NULL,
         oldest),
    TOLD(MW_GAUGE, "memory_bytes", "Memory of its processes.", "memtype", "resident",
         memory[RESIDENT]),
    TOLD(MW_GAUGE, "memory_bytes", "Memory of its processes.", "memtype", "virtual",
         memory[VIRTUAL]),
    TOLD(MW_GAUGE, "memory_bytes", "Memory of its processes.", "memtype", "swapped",
         memory[SWAPPED]),
    TOLD(MW_GAUGE, "states", "Processes by state.", "state", "Running", states[0]),
    TOLD(MW_GAUGE, "states", "Processes by state.", "state", "Sleeping", states[1]),
    TOLD(MW_GAUGE, "states", "Processes by state.", "state", "Waiting", states[2]),
    TOLD(MW_GAUGE, "states", "Processes by state.", "state", "Zombie", states[3]),
    TOLD(MW_GAUGE, "states", "Processes by state.", "state", "Other", states[4]),
    TOLD(MW_COUNTER, "cpu_seconds_total", "Processor time.", "mode", "user", now[USER]),
    TOLD(MW_COUNTER, "cpu_seconds_total", "Processor time.", "mode", "system", now[SYSTEM]),
    TOLD(MW_COUNTER, "read_bytes_total", "Bytes read from disks.", NULL, NULL, now[READ]),
    TOLD(MW_COUNTER, "write_bytes_total", "Bytes written to disks.", NULL, NULL, now[WRITTEN]),
    TOLD(MW_COUNTER, "minor_page_faults_total", "Pages that were in memory.", NULL, NULL,
         now[MINOR]),
    TOLD(MW_COUNTER, "major_page_faults_total", "Pages that were not.", NULL, NULL, now[MAJOR]),
    TOLD(MW_COUNTER, "context_switches_total", "Turns on a processor that ended.", "ctxswitchtype",
         "voluntary", now[VOLUNTARY]),
    TOLD(MW_COUNTER, "context_switches_total", "Turns on a processor that ended.", "ctxswitchtype",
         "nonvoluntary", now[NONVOLUNTARY]),
};

static void tell(mw_host_stats *h, const named *g)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const told *f = &figures[i];
        mw_label l[] = {{MW_STR("groupname"), mw_str_of(g->name)},
                        {mw_str_of(f->label), mw_str_of(f->value)}};
        double v;
        memcpy(&v, (const char *)g + f->at, sizeof v);
        mw_passing_set(&h->passing, f->kind, f->name, f->help, l, f->label ? 2 : 1, v);
    }
}

/* Those that are gone leave what they have counted to their groups. */
static void sum_up(mw_host_groups *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n_processes; i++) {
        process *p = &g->process[i];
        named *to = &g->group[p->group];
        for (size_t k = 0; k < COUNTERS; k++) (p->seen ? to->now : to->count)[k] += p->count[k];
        if (p->seen) g->process[kept++] = *p;
    }
    g->n_processes = kept;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < COUNTERS; k++) g->group[i].now[k] += g->group[i].count[k];
}

static void begin_round(mw_host_groups *g)
{
    for (size_t i = 0; i < g->n_processes; i++) g->process[i].seen = false;
    for (size_t i = 0; i < g->n; i++) {
        named fresh = {.name = g->group[i].name};
        memcpy(fresh.count, g->group[i].count, sizeof fresh.count);
        g->group[i] = fresh;
    }
}

void mw_host_read_groups(mw_host_stats *h)
{
    mw_host_groups *g = h->groups;
    DIR *d = g ? opendir(h->root) : NULL;
    if (!d) return;
    begin_round(g);
    for (const struct dirent *e; (e = readdir(d));) {
        mw_str text;
        seen s;
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !read_of(h, e->d_name, "stat", &text) ||
            !read_stat(text, &s))
            continue;
        size_t group = group_of(h, e->d_name, s.comm);
        if (group != SIZE_MAX) count_process(h, e->d_name, &s, group);
    }
    closedir(d);
    sum_up(g);
    for (size_t i = 0; i < g->n; i++) tell(h, &g->group[i]);
}
