/* exec.c - runs one program to its end, or to its deadline.
 *
 * No shell, no environment but what is named here and in ENV, no descriptor but three: what it
 * reads is a file in memory, so nobody need feed it; what it says comes through two pipes that are
 * always read, and kept as far as there is room.  The program leads a process group of its own.
 * While it is a zombie that nobody waited for, its number is no other group's: that is when the
 * rest of the group is killed, so that nothing it left behind lives on.  (Who makes itself a
 * session is out of reach.)  Only programs in the folders that the settings allow are run.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/probe.h"
#include "net/words.h"

enum {
    MAX_ARGS = 1000,
    MAX_TEXT = 128 << 10, /* one argument or variable: what Linux takes */
    MAX_OUTPUT = 64 << 10,
    MAX_STDERR = 4 << 10,
    SLICE_MS = 200
};

static const char *const inherited[] = {"PATH", "HOME", "LANG",    "LC_ALL",
                                        "TZ",   "USER", "LOGNAME", "TMPDIR"};
enum { INHERITED = sizeof inherited / sizeof *inherited };

struct texts {
    char **p; /* NULL-terminated once ended */
    size_t n, cap;
};

/* The first bytes that came, or the last. */
struct ear {
    int fd; /* -1: at its end */
    size_t most;
    bool tail;
    mw_buf heard;
};

struct program {
    pid_t pid;
    int pidfd;
    struct ear out, err;
    const mw_patience *patience;
};

/* -- what is asked ---------------------------------------------------------------------------- */

static void texts_deinit(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++) mw_free(t->p[i]);
    mw_free(t->p);
}

static bool whole(mw_str s) { return s.n <= MAX_TEXT && strlen(s.p) == s.n; }

static int read_command(const mw_value *list, struct texts *out, mw_err *err)
{
    if (!list || list->type != MW_LIST || !list->list.n || list->list.n > MAX_ARGS)
        return mw_fail(err, MW_EARG, 0, 0, "exec: command must be a list of 1 to %d texts",
                       MAX_ARGS);
    for (size_t i = 0; i < list->list.n; i++) {
        const mw_value *one = list->list.item[i];
        if (one->type != MW_TEXT || !whole(one->text))
            return mw_fail(err, MW_EARG, 0, 0,
                           "exec: argument %zu is no text that a program can be given", i);
        MW_PUSH(out->p, out->n, out->cap, mw_strdup(one->text.p));
    }
    MW_PUSH(out->p, out->n, out->cap, NULL);
    return MW_OK;
}

static int read_env(const mw_value *map, struct texts *out, mw_err *err)
{
    for (size_t i = 0; i < INHERITED; i++) {
        const char *value = getenv(inherited[i]);
        if (value && !mw_map_find(map, inherited[i]))
            MW_PUSH(out->p, out->n, out->cap, mw_sprintf("%s=%s", inherited[i], value));
    }
    for (size_t i = 0; map && map->type == MW_MAP && i < map->map.n; i++) {
        mw_str name = map->map.entry[i].key;
        const mw_value *value = map->map.entry[i].value;
        if (!name.n || strpbrk(name.p, "=") || !whole(name) || value->type != MW_TEXT ||
            !whole(value->text))
            return mw_fail(err, MW_EARG, 0, 0,
                           "exec: variable %zu is no text that a program can be given", i + 1);
        MW_PUSH(out->p, out->n, out->cap, mw_sprintf("%s=%s", name.p, value->text.p));
    }
    MW_PUSH(out->p, out->n, out->cap, NULL);
    return MW_OK;
}

static bool inside(const char *path, const char *folder)
{
    char real[PATH_MAX];
    if (!realpath(folder, real)) return false;
    size_t n = strlen(real);
    return !strncmp(path, real, n) && (path[n] == '/' || n == 1);
}

/* The real path of the program, links followed; a name without a slash is looked for in the
 * folders. */
static char *find_program(const char *name, const mw_patience *p, mw_err *err)
{
    char real[PATH_MAX];
    const char *const *folder = p->folders;
    if (!folder || !*folder) {
        mw_fail(err, MW_EARG, 0, 0,
                "no program may be run here: settings { programs = { \"/a/folder\" } } allows "
                "those of a folder");
        return NULL;
    }
    bool found = false;
    for (; *folder; folder++) {
        char *path = strchr(name, '/') ? mw_strdup(name) : mw_sprintf("%s/%s", *folder, name);
        bool there = path[0] == '/' && realpath(path, real);
        mw_free(path);
        found |= there;
        if (there && inside(real, *folder)) return mw_strdup(real);
    }
    if (!found)
        mw_fail(err, MW_ENOENT, 0, 0, "there is no program %s in the folders of settings.programs",
                name);
    else
        mw_fail(err, MW_EARG, 0, 0, "%s is not in one of the folders of settings.programs", name);
    return NULL;
}

/* -- starting --------------------------------------------------------------------------------- */

/* All of TEXT as a file that is read from its beginning. */
static int file_of(mw_str text, mw_err *err)
{
    int fd = memfd_create("stdin", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < text.n;) {
        ssize_t n = write(fd, text.p + done, text.n - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            close(fd);
            fd = -1;
            break;
        }
        done += (size_t)n;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        mw_fail(err, MW_EIO, 0, 0, "exec: %s", mw_words_errno(errno));
    return fd;
}

/* Both signals that the server ignores and those that its threads block are as usual in the
 * program. */
static void set_attributes(posix_spawnattr_t *a)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(a);
    posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                    POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(a, 0);
    posix_spawnattr_setsigmask(a, &none);
    posix_spawnattr_setsigdefault(a, &all);
}

struct start {
    char *path;
    const char *dir;
    char **argv, **env;
    int in, out, err;
};

static int spawn(struct program *p, const struct start *s)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    set_attributes(&attributes);
    posix_spawn_file_actions_adddup2(&actions, s->in, 0);
    posix_spawn_file_actions_adddup2(&actions, s->out, 1);
    posix_spawn_file_actions_adddup2(&actions, s->err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (s->dir) posix_spawn_file_actions_addchdir_np(&actions, s->dir);
    int e = posix_spawn(&p->pid, s->path, &actions, &attributes, s->argv, s->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return e;
}

static int pipe_of(int *read_end, int *write_end, mw_err *err)
{
    int both[2];
    if (pipe2(both, O_CLOEXEC) != 0)
        return mw_fail(err, MW_EIO, 0, 0, "exec: %s", mw_words_errno(errno));
    fcntl(both[0], F_SETFL, O_NONBLOCK);
    *read_end = both[0];
    *write_end = both[1];
    return MW_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static int begin(struct program *p, struct start *s, mw_str input, mw_err *err)
{
    s->in = file_of(input, err);
    if (s->in >= 0 && !pipe_of(&p->out.fd, &s->out, err) && !pipe_of(&p->err.fd, &s->err, err)) {
        int e = spawn(p, s);
        bool passes = e == EAGAIN || e == ENOMEM || e == ETXTBSY; /* no room, or being replaced */
        if (e)
            mw_fail(err, passes ? MW_EIO : MW_EARG, 0, 0, "cannot run %s: %s", s->argv[0],
                    mw_words_errno(e));
    }
    close_fd(&s->in);
    close_fd(&s->out);
    close_fd(&s->err);
    if (err->code == MW_OK) p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    return err->code;
}

/* -- listening -------------------------------------------------------------------------------- */

static void keep(struct ear *e, const char *p, size_t n)
{
    if (!e->tail) {
        mw_buf_add(&e->heard, p, n < e->most - e->heard.n ? n : e->most - e->heard.n);
        return;
    }
    mw_buf_add(&e->heard, p, n);
    if (e->heard.n <= e->most) return;
    size_t over = e->heard.n - e->most;
    memmove(e->heard.p, e->heard.p + over, e->most);
    e->heard.n = e->most;
}

/* What is there now, but not for ever. */
static void hear(struct ear *e)
{
    char bytes[4096];
    for (int i = 0; i < 64 && e->fd >= 0; i++) {
        ssize_t n = read(e->fd, bytes, sizeof bytes);
        if (n > 0)
            keep(e, bytes, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            close_fd(&e->fd);
        else
            return;
    }
}

static bool ended(const struct program *p)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == p->pid;
}

/* Until the program ends, nobody wants to know any more, or its time is over. */
static int attend(struct program *p, mw_err *err)
{
    while (!ended(p)) {
        int64_t left = (p->patience->deadline_ns - mw_mono_ns()) / 1000000;
        if (atomic_load(p->patience->stop))
            return mw_fail(err, MW_ECANCEL, 0, 0, "moonwatch is stopping");
        if (left <= 0)
            return mw_fail(err, MW_ETIMEOUT, 0, 0, "was still running after %g s and was killed",
                           p->patience->timeout_ms / 1000.0);
        struct pollfd f[] = {{.fd = p->pidfd, .events = POLLIN},
                             {.fd = p->out.fd, .events = POLLIN},
                             {.fd = p->err.fd, .events = POLLIN}};
        int most =
            p->pidfd >= 0 ? SLICE_MS : 20; /* a kernel without pidfd does not wake us at the end */
        poll(f, 3, left < most ? (int)left : most);
        hear(&p->out);
        hear(&p->err);
    }
    return MW_OK;
}

static void tell(struct program *p, mw_value *answer, int status)
{
    if (WIFEXITED(status)) mw_map_set_number(answer, "code", WEXITSTATUS(status));
    if (WIFSIGNALED(status)) mw_map_set_number(answer, "signal", WTERMSIG(status));
    mw_map_set(answer, "stdout",
               mw_text_new((mw_str){p->out.heard.p ? p->out.heard.p : "", p->out.heard.n}));
    mw_map_set(answer, "stderr",
               mw_text_new((mw_str){p->err.heard.p ? p->err.heard.p : "", p->err.heard.n}));
}

static void end(struct program *p, mw_value *answer)
{
    int status = 0;
    kill(-p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {}
    hear(&p->out);
    hear(&p->err);
    tell(p, answer, status);
}

int mw_exec_run(const mw_value *arg, const mw_patience *patience, mw_value *answer, mw_err *err)
{
    struct texts argv = {0}, env = {0};
    mw_str dir = mw_map_text(arg, "dir");
    struct program p = {.pidfd = -1,
                        .out = {.fd = -1, .most = MAX_OUTPUT},
                        .err = {.fd = -1, .most = MAX_STDERR, .tail = true},
                        .patience = patience};
    struct start s = {.in = -1, .out = -1, .err = -1, .dir = dir.n ? dir.p : NULL};
    if (read_command(mw_map_find(arg, "command"), &argv, err) ||
        read_env(mw_map_find(arg, "env"), &env, err))
        goto out;
    if (!(s.path = find_program(argv.p[0], patience, err))) goto out;
    s.argv = argv.p;
    s.env = env.p;
    if (begin(&p, &s, mw_map_text(arg, "stdin"), err)) goto out;
    attend(&p, err);
    end(&p, answer);
out:
    mw_map_set_bool(answer, "bad", err->code == MW_EARG || err->code == MW_ENOENT);
    close_fd(&p.pidfd);
    close_fd(&p.out.fd);
    close_fd(&p.err.fd);
    mw_buf_deinit(&p.out.heard);
    mw_buf_deinit(&p.err.heard);
    mw_free(s.path);
    texts_deinit(&argv);
    texts_deinit(&env);
    return err->code;
}
