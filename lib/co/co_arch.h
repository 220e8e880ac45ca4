/*
 * co_arch.h - which form of the switch this machine has, and what the forms share. For lib/co only,
 * C and assembly.
 *
 * Every file of the folder is compiled on every machine; the forms that are not chosen here compile
 * to nothing. The assembly needs an ELF target, because it uses ELF's visibility and unwind
 * directives. -DWR_CO_UCONTEXT selects the portable form on any machine.
 */
#ifndef WR_CO_ARCH_H
#define WR_CO_ARCH_H

#if !defined(WR_CO_UCONTEXT)
#if defined(__x86_64__) && defined(__LP64__) && defined(__ELF__)
#define WR_CO_X86_64
#elif defined(__aarch64__) && defined(__LP64__) && defined(__ELF__) && !defined(__AARCH64EB__)
#define WR_CO_AARCH64
#else
#define WR_CO_UCONTEXT
#endif
#endif

/* Offsets into struct wr_co, asserted in co_switch.c. */
#define WR_CO_SP 0
#define WR_CO_LINK 8

#ifndef __ASSEMBLER__

#include "co_switch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WR_CO_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define WR_CO_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WR_CO_ASAN)
#define WR_CO_ASAN
#endif
#if defined(__SANITIZE_THREAD__) && !defined(WR_CO_TSAN)
#define WR_CO_TSAN
#endif

/* For functions that are entered on one stack and left on another. clang's no_sanitize("thread")
 * still records entries and exits, which would unbalance both fibers' shadow stacks; the newer
 * attribute records nothing. */
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define WR_CO_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef WR_CO_UNINSTRUMENTED
#define WR_CO_UNINSTRUMENTED __attribute__((no_sanitize("address"), no_sanitize("thread")))
#endif

/* The bare jumps. wr_co_resume, wr_co_switch and wr_co_leave are weak aliases of them. A sanitizer
 * build replaces the aliases by functions that announce the switch first. The linker chooses, so
 * the assembly needs no code for sanitizers. */
uintptr_t wr_co_jump_resume(struct wr_co *from, struct wr_co *to, uintptr_t value);
uintptr_t wr_co_jump_switch(struct wr_co *from, struct wr_co *to, uintptr_t value);
_Noreturn void wr_co_jump_leave(struct wr_co *from, struct wr_co *to, uintptr_t value);

/* Write the first frame of `co` below `top`, which is 16-byte aligned; set co->sp and co->link. */
void wr_co_prepare(struct wr_co *co, char *top, wr_co_entry *entry, void *arg, const char *name);

/* The target of the first jump to a coroutine, in the assembly forms. Not a C function: it takes
 * its input in callee-saved registers. */
void wr_co_trampoline(void);

/* For the aarch64 form only. True: the last instruction must be `ret`. */
extern bool wr_co_branch_may_fault;

#endif
#endif
