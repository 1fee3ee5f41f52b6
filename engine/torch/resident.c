/*
 * resident.c - see resident.h.
 *
 * What may go are the segments that nobody writes to: code, symbols, constants. The writable ones hold what
 * the linker put in and what the program keeps there. The kernel is asked, page by page, whether all of a
 * segment is still the file's: relocated code, or code that a debugger has put a breakpoint into, is not.
 */
#include "engine/torch/resident.h"

#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of an entry of /proc/PID/pagemap; see the kernel's admin-guide/mm/pagemap.rst. */
#define PRESENT   ((uint64_t)1 << 63)
#define SWAPPED   ((uint64_t)1 << 62)
#define OF_A_FILE ((uint64_t)1 << 61)

enum { AT_ONCE = 4096 /* entries */ };

typedef struct letting_go {
    size_t page, first, seen;
    int pagemap;
} letting_go;

/* None of the pages from BEGIN to END is a copy that was written to. */
static bool is_the_files(const letting_go *l, uintptr_t begin, uintptr_t end) {
    uint64_t entry[AT_ONCE];
    size_t last = end / l->page;
    for (size_t at = begin / l->page, count; at < last; at += count) {
        size_t wanted = last - at < AT_ONCE ? last - at : AT_ONCE;
        ssize_t got = pread(l->pagemap, entry, wanted * sizeof *entry, (off_t)(at * sizeof *entry));
        if (got < (ssize_t)sizeof *entry) return false;
        count = (size_t)got / sizeof *entry;
        for (size_t i = 0; i < count; i++)
            if (entry[i] & SWAPPED || (entry[i] & PRESENT && !(entry[i] & OF_A_FILE))) return false;
    }
    return true;
}

/* Whole pages only: one at an end may be shared with what is written to. */
static int let_go(struct dl_phdr_info *library, size_t size, void *user) {
    letting_go *l = user;
    (void)size;
    if (l->seen++ < l->first || library->dlpi_name[0] != '/') return 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t begin = library->dlpi_addr + segment->p_vaddr, end = begin + segment->p_memsz;
        begin = (begin + l->page - 1) / l->page * l->page;
        end = end / l->page * l->page;
        if (begin < end && is_the_files(l, begin, end))
            (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

static int count(struct dl_phdr_info *library, size_t size, void *user) {
    (void)library, (void)size;
    ++*(size_t *)user;
    return 0;
}

size_t resident_libraries(void) {
    size_t libraries = 0;
    dl_iterate_phdr(count, &libraries);
    return libraries;
}

void resident_let_go(size_t first) {
    letting_go l = {.page = (size_t)sysconf(_SC_PAGESIZE), .first = first};
    l.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (l.pagemap < 0) return;
    dl_iterate_phdr(let_go, &l);
    close(l.pagemap);
}
