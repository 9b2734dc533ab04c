/*
 * Counts the instructions that the emulated processor executes.
 *
 * A program on the board marks a place by the system call getpgid(MARK | tag), which has no effect
 * (there is no such process). At each mark "tag count\n" is appended to the file that the
 * emulator's environment names in EDGEWRIGHT_COUNTS: the count is of all instructions so far, in
 * user mode, of all threads together. Threads that run at the same time would lose some, so what
 * is counted must have one.
 *
 * The declarations are those of qemu's plugin interface, version 1 (qemu 7.2, qemu-plugin.h).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))
#define GETPGID 155 /* of arm64 */
#define MARK 0x5EED0000u
#define TAGS 0xFFFFu

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void (*translated)(plugin_id, struct qemu_plugin_tb *);
typedef void (*system_call)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                            uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op, void *,
                                              uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, system_call);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_version = 1;

static uint64_t count;
static int file = -1;

static void on_translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &count,
                                             qemu_plugin_tb_n_insns(block));
}

static void on_system_call(plugin_id id, unsigned cpu, int64_t number, uint64_t first, uint64_t a,
                           uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g)
{
    (void)id, (void)cpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g;
    if (number == GETPGID && ((uint32_t)first & ~TAGS) == MARK)
        dprintf(file, "%u %" PRIu64 "\n", (unsigned)(first & TAGS), count);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    const char *path = getenv("EDGEWRIGHT_COUNTS");

    (void)info, (void)argc, (void)argv;
    if (!path || (file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
    return 0;
}
