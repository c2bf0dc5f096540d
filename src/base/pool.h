/* pool.h - a few threads that do blocking work for loops that must not block.
 *
 * The queue is bounded: mw_pool_add answers MW_EBUSY when it is full, and the caller says so to
 * whoever asked (503), instead of growing.
 * SPDX-License-Identifier: MIT */
#ifndef MW_BASE_POOL_H
#define MW_BASE_POOL_H
#include <stddef.h>

typedef struct mw_pool mw_pool;
typedef void mw_job(void *arg);

mw_pool *mw_pool_new(const char *name, unsigned threads, size_t queue); /* name: at most 15 bytes */
/* For work that mostly waits: LEAST threads, and up to MOST while as many are needed; every LOOK_MS
 * it is looked whether they still are. */
mw_pool *mw_pool_elastic(const char *name, unsigned least, unsigned most, size_t queue,
                         int look_ms);
void mw_pool_free(mw_pool *p);                       /* runs what is queued, then joins; NULL ok */
int mw_pool_add(mw_pool *p, mw_job *job, void *arg); /* any thread; MW_EBUSY when full */
size_t mw_pool_waiting(mw_pool *p);
size_t mw_pool_threads(mw_pool *p); /* there are now */

#endif
