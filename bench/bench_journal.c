/* bench_journal.c - the journal alone: frames in, and read again, by size of frame and by promise.
 *
 *     bench_journal [FOLDER]      default: a new folder in /tmp, removed at the end
 *
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/journal.h"

enum { THREADS_MAX = 8 };
static char *folder;

static double cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(int64_t since_ns) { return (double)(mw_mono_ns() - since_ns) / 1e9; }

static mw_journal *open_journal(int sync_ms)
{
    mw_err err;
    mw_err_init(&err);
    mw_journal *j = mw_journal_open(&(mw_journal_options){.dir = folder, .sync_ms = sync_ms}, &err);
    if (!j) {
        fprintf(stderr, "bench_journal: %s\n", err.msg);
        exit(1);
    }
    return j;
}

typedef struct writer {
    pthread_t thread;
    mw_journal *j;
    mw_str frame;
    size_t frames;
} writer;

static void *write_frames(void *arg)
{
    writer *w = arg;
    for (size_t i = 0; i < w->frames; i++)
        MW_ASSERT(mw_journal_append(w->j, w->frame, NULL) == MW_OK);
    return NULL;
}

static int count_frame(void *arg, mw_str frame, double done, mw_err *err)
{
    *(size_t *)arg += frame.n;
    return MW_OK;
}

static void read_again(size_t bytes)
{
    mw_journal *j = open_journal(1000);
    size_t seen = 0;
    int64_t start = mw_mono_ns();
    double cpu = cpu_seconds();
    MW_ASSERT(mw_journal_replay(j, 0, count_frame, &seen, NULL) == MW_OK && seen == bytes);
    printf("   read again %6.2f GB/s, %5.2f GB per CPU-second\n",
           (double)bytes / seconds(start) / 1e9, (double)bytes / (cpu_seconds() - cpu) / 1e9);
    uint64_t segment;
    MW_ASSERT(mw_journal_cut(j, &segment, NULL) == MW_OK);
    mw_journal_drop(j, segment);
    mw_journal_close(j);
}

static void run(int sync_ms, int threads, size_t size, size_t frames)
{
    writer w[THREADS_MAX];
    char *bytes = mw_array(size, 1);
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 131 >> 3);
    mw_journal *j = open_journal(sync_ms);
    int64_t start = mw_mono_ns();
    double cpu = cpu_seconds();
    for (int i = 0; i < threads; i++) {
        w[i] = (writer){.j = j, .frame = {bytes, size}, .frames = frames / (size_t)threads};
        pthread_create(&w[i].thread, NULL, write_frames, &w[i]);
    }
    for (int i = 0; i < threads; i++) pthread_join(w[i].thread, NULL);
    double took = seconds(start), n = (double)(frames / (size_t)threads * (size_t)threads);
    cpu = cpu_seconds() - cpu;
    mw_journal_stats st;
    mw_journal_stats_read(j, &st);
    printf("sync %4d ms, %d thread%s, frames of %6zu: %8.2f us each, %6.2f us CPU, %5.0f MB/s, "
           "%6llu syncs, slowest %.1f ms\n",
           sync_ms, threads, threads > 1 ? "s" : " ", size, took * 1e6 / n, cpu * 1e6 / n,
           n * (double)size / took / 1e6, (unsigned long long)st.syncs,
           (double)st.slowest_sync_ns / 1e6);
    mw_journal_close(j);
    read_again((size_t)n * size);
    mw_free(bytes);
}

int main(int argc, char **argv)
{
    char template[] = "/tmp/bench_journal.XXXXXX";
    folder = argc > 1 ? argv[1] : mkdtemp(template);
    MW_ASSERT(folder);
    run(50, 1, 100, 1000000);
    run(50, 1, 10000, 50000);
    run(50, 1, 300000, 2000);
    run(50, 4, 10000, 50000);
    run(0, 1, 10000, 2000);
    run(0, 8, 10000, 8000);
    if (argc > 1) return 0;
    char *remove = mw_sprintf("rm -r %s", folder);
    int rc = system(remove);
    mw_free(remove);
    return rc != 0;
}
