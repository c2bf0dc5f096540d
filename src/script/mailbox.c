/* mailbox.c - a ring under a mutex, a condition on the monotonic clock.
 * SPDX-License-Identifier: MIT */
#include "script/mailbox.h"

#include <pthread.h>
#include <time.h>

#include "base/mem.h"

struct mw_mailbox {
    pthread_mutex_t lock;
    pthread_cond_t more;
    unsigned refs;
    bool closed;
    size_t capacity; /* for messages; answers may grow the ring beyond it */
    size_t head, n, cap;
    mw_mail *ring;
};

struct mw_call_ticket {
    mw_mailbox *box;
    uint64_t ticket;
};

mw_mailbox *mw_mailbox_new(size_t capacity)
{
    mw_mailbox *m = mw_zalloc(sizeof *m);
    m->refs = 1;
    m->capacity = capacity;
    m->cap = 64;
    m->ring = mw_array(m->cap, sizeof *m->ring);
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->more, &attr);
    pthread_condattr_destroy(&attr);
    return m;
}

mw_mailbox *mw_mailbox_retain(mw_mailbox *m)
{
    __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
    return m;
}

void mw_mailbox_release(mw_mailbox *m)
{
    if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL)) return;
    for (size_t i = 0; i < m->n; i++) mw_value_free(m->ring[(m->head + i) % m->cap].value);
    pthread_cond_destroy(&m->more);
    pthread_mutex_destroy(&m->lock);
    mw_free(m->ring);
    mw_free(m);
}

static void grow(mw_mailbox *m)
{
    mw_mail *ring = mw_array(m->cap * 2, sizeof *ring);
    for (size_t i = 0; i < m->n; i++) ring[i] = m->ring[(m->head + i) % m->cap];
    mw_free(m->ring);
    m->ring = ring;
    m->head = 0;
    m->cap *= 2;
}

int mw_mailbox_send(mw_mailbox *m, mw_mail mail)
{
    int rc = MW_OK;
    pthread_mutex_lock(&m->lock);
    if (m->closed)
        rc = MW_ECANCEL;
    else if (!mail.ticket && m->n >= m->capacity)
        rc = MW_EBUSY;
    if (rc == MW_OK) {
        if (m->n == m->cap) grow(m);
        m->ring[(m->head + m->n++) % m->cap] = mail;
        pthread_cond_signal(&m->more);
    }
    pthread_mutex_unlock(&m->lock);
    if (rc != MW_OK) mw_value_free(mail.value);
    return rc;
}

mw_call_ticket *mw_call_ticket_new(mw_mailbox *m, uint64_t ticket)
{
    mw_call_ticket *t = mw_alloc(sizeof *t);
    *t = (mw_call_ticket){mw_mailbox_retain(m), ticket};
    return t;
}

void mw_call_answer(void *arg, mw_value *answer)
{
    mw_call_ticket *t = arg;
    mw_mailbox_send(t->box, (mw_mail){.value = answer, .ticket = t->ticket});
    mw_mailbox_release(t->box);
    mw_free(t);
}

bool mw_mailbox_next(mw_mailbox *m, int64_t deadline_ns, mw_mail *out)
{
    struct timespec at = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    bool got = false;
    int rc = 0;
    pthread_mutex_lock(&m->lock);
    while (m->n == 0 && !m->closed && rc == 0)
        rc = deadline_ns ? pthread_cond_timedwait(&m->more, &m->lock, &at)
                         : pthread_cond_wait(&m->more, &m->lock);
    if (m->n) {
        *out = m->ring[m->head];
        m->head = (m->head + 1) % m->cap;
        m->n--;
        got = true;
    }
    pthread_mutex_unlock(&m->lock);
    return got;
}

void mw_mailbox_close(mw_mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->closed = true;
    pthread_cond_broadcast(&m->more);
    pthread_mutex_unlock(&m->lock);
}

bool mw_mailbox_closed(mw_mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    bool closed = m->closed;
    pthread_mutex_unlock(&m->lock);
    return closed;
}

size_t mw_mailbox_depth(mw_mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    size_t n = m->n;
    pthread_mutex_unlock(&m->lock);
    return n;
}
