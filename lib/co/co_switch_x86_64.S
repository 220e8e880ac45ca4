/*
 * co_switch_x86_64.S - the switch, System V ABI.
 *
 * A coroutine that is not running is a stack pointer to this, lowest address first:
 *
 *     r15  r14  r13  r12  rbx  rbp  return address
 *
 * rbp lies directly below the return address, so the last two words are a frame record like any
 * other, and wr_co_resume can hang it under the entry frame of the coroutine it goes to: a frame-
 * pointer unwinder that starts in a body walks on into the resumer. Unwinders that follow CFI stop
 * at the trampoline, whose return address is undefined.
 *
 * The way out is `pop; jmp`, never `ret`: the return stack of the processor belongs to the stack
 * that is left, and a mispredicted return costs three times the whole switch. The target of that
 * jump is the point behind some call, which carries no endbr64, hence `notrack`. The object claims
 * IBT when the build asks for it and never claims shadow stacks, which a switch of rsp alone would
 * break; the dynamic linker then leaves them off.
 *
 * mxcsr and the x87 control word are not saved (co_switch.h). The red zone needs no care: a call
 * separates every user frame from this code.
 */
#include "co_arch.h"

#ifdef WR_CO_X86_64

        .text

        .macro wr_function name
        .globl  \name
        .hidden \name
        .type   \name, @function
        .balign 16
\name:
        .cfi_startproc
        endbr64
        .endm

        .macro wr_alias name, target
        .weak   \name
        .hidden \name
        .type   \name, @function
        .set    \name, \target
        .endm

        .macro wr_save reg
        pushq   \reg
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \reg, 0
        .endm

        .macro wr_restore reg
        popq    \reg
        .cfi_adjust_cfa_offset -8
        .cfi_restore \reg
        .endm

        /* rdi = from, rsi = to, rdx = value; rbp is saved already. The CFI holds on both
         * stacks: they look alike. */
        .macro wr_swap_stacks
        wr_save %rbx
        wr_save %r12
        wr_save %r13
        wr_save %r14
        wr_save %r15
        movq    %rsp, WR_CO_SP(%rdi)
        movq    WR_CO_SP(%rsi), %rsp
        .endm

        .macro wr_arrive
        movq    %rdx, %rax
        wr_restore %r15
        wr_restore %r14
        wr_restore %r13
        wr_restore %r12
        wr_restore %rbx
        wr_restore %rbp
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        notrack jmp *%rcx
        .cfi_endproc
        .endm

wr_function wr_co_jump_resume
        wr_save %rbp
        movq    WR_CO_LINK(%rsi), %rax
        movq    %rsp, (%rax)
        wr_swap_stacks
        wr_arrive
        .size   wr_co_jump_resume, . - wr_co_jump_resume

wr_function wr_co_jump_switch
        wr_save %rbp
        wr_swap_stacks
        wr_arrive
        .size   wr_co_jump_switch, . - wr_co_jump_switch

wr_function wr_co_jump_leave
        movq    WR_CO_SP(%rsi), %rsp
        .cfi_def_cfa_offset 56
        .cfi_offset %rbp, -16
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        wr_arrive
        .size   wr_co_jump_leave, . - wr_co_jump_leave

        /* The first arrival: r12 = entry, r13 = arg, rbp = rsp = the entry frame's record,
         * 16-byte aligned. */
        .globl  wr_co_trampoline
        .hidden wr_co_trampoline
        .type   wr_co_trampoline, @function
        .balign 16
wr_co_trampoline:
        .cfi_startproc
        .cfi_def_cfa %rsp, 16
        .cfi_undefined %rip
        .cfi_undefined %rbp
        endbr64
        movq    %r13, %rdi
        call    *%r12
        ud2
        .cfi_endproc
        .size   wr_co_trampoline, . - wr_co_trampoline

wr_alias wr_co_resume, wr_co_jump_resume
wr_alias wr_co_switch, wr_co_jump_switch
wr_alias wr_co_leave, wr_co_jump_leave

#if defined(__CET__) && (__CET__ & 1)
        .section .note.gnu.property, "a", @note
        .balign 8
        .long   4                       /* length of the name */
        .long   16                      /* length of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002              /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long   4
        .long   1                       /* IBT; bit 1 would be SHSTK */
        .long   0
#endif
#endif

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
