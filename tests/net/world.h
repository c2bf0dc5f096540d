/* world.h - what tests of the outbound floor share: asking operations and waiting for the answer,
 * and servers of their own in child processes, ended by process group.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_NET_WORLD_H
#define MW_TESTS_NET_WORLD_H
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "script/host.h"

/* -- asking ----------------------------------------------------------------------------------- */

struct question {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    mw_value *answer;
};

static inline void on_answer(void *arg, mw_value *answer)
{
    struct question *q = arg;
    pthread_mutex_lock(&q->lock);
    q->answer = answer;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
}

static inline void ask_begin(mw_host *host, const char *op, mw_value *arg, struct question *q)
{
    *q = (struct question){.lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};
    for (size_t i = 0; i < host->n_ops; i++) {
        if (strcmp(host->ops[i].name, op) != 0) continue;
        host->ops[i].call(host->ops[i].self, arg, on_answer, q);
        return;
    }
    fail_msg("no operation %s", op);
}

static inline mw_value *ask_end(struct question *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->answer) pthread_cond_wait(&q->answered, &q->lock);
    pthread_mutex_unlock(&q->lock);
    return q->answer;
}

/* ARG is JSON, as a printf format. */
__attribute__((format(printf, 3, 4))) static inline mw_value *ask(mw_host *host, const char *op,
                                                                  const char *fmt, ...)
{
    char text[4096];
    struct question q;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mw_value *arg = mw_value_from_json(mw_str_of(text), NULL);
    assert_non_null(arg);
    ask_begin(host, op, arg, &q);
    return ask_end(&q);
}

static inline void assert_error(mw_value *answer, const char *words)
{
    mw_str error = mw_map_text(answer, "error");
    if (!error.n || !strstr(error.p, words))
        fail_msg("\"%s\" is not in the error \"%s\"", words, error.n ? error.p : "(none)");
    mw_value_free(answer);
}

static inline void assert_no_error(mw_value *answer)
{
    if (mw_map_text(answer, "error").n) fail_msg("error: %s", mw_map_text(answer, "error").p);
}

/* Wait until COND holds, for as long as a loaded machine may need. */
#define EVENTUALLY(cond)                                                    \
    do {                                                                    \
        int64_t give_up_ = mw_mono_ns() + 30LL * 1000000000;                \
        while (!(cond)) {                                                   \
            if (mw_mono_ns() > give_up_) fail_msg("never true: %s", #cond); \
            usleep(5000);                                                   \
        }                                                                   \
    } while (0)

/* -- servers ---------------------------------------------------------------------------------- */

static inline int listen_on(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    a.sin_port = htons((uint16_t)*port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 128)) return close(fd), -1;
    getsockname(fd, (struct sockaddr *)&a, &n);
    *port = ntohs(a.sin_port);
    return fd;
}

/* A port on which nobody listens. */
static inline int free_port(void)
{
    int port = 0;
    close(listen_on(&port));
    return port;
}

/* SERVE one connection, in a process of its own. */
typedef void serve_fn(int fd);

static inline pid_t start_server(serve_fn *serve, int *port)
{
    *port = 0;
    int fd = listen_on(port);
    pid_t pid = fork();
    if (pid) return setpgid(pid, pid), close(fd), pid;
    setpgid(0, 0);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        if (c >= 0 && fork() == 0) {
            serve(c);
            _exit(0);
        }
        close(c);
    }
}

static inline void end_server(pid_t pid)
{
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Run a program in a group of its own, silent. */
static inline pid_t start_program(const char *const *argv)
{
    pid_t pid = fork();
    if (pid) return setpgid(pid, pid), pid;
    setpgid(0, 0);
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(126);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

#endif
