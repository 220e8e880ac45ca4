/*
 * co_switch_x86_64.S - the switch, System V ABI.
 *
 * A coroutine that is not running is a stack pointer to this, lowest address first:
 *
 *     r15  r14  r13  r12  rbx  rbp  return address
 *
 * rbp is directly below the return address, so the last two words are a normal frame record.
 * wr_co_resume links it to the entry frame of the coroutine that it switches to, so that a
 * frame-pointer unwinder that starts in a body continues into the resumer. Unwinders that follow
 * .eh_frame stop at the trampoline, whose return address is undefined there: an exception that
 * reaches it ends the program (co_exception.c). A debugger reads .debug_frame first, and that
 * describes how to continue from the trampoline.
 *
 * The last instructions are `pop; jmp`, never `ret`: the return stack of the processor belongs to
 * the stack that is left, and a mispredicted return costs three times the whole switch. The target
 * of that jump is the instruction after a call, which has no endbr64, hence `notrack`. The object
 * claims IBT when the build asks for it. It never claims shadow stacks, which a switch of rsp alone
 * would break; the dynamic linker then leaves them off.
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

        /* rdi = from, rsi = to, rdx = value; rbp is saved already. The CFI is valid on both
         * stacks: they have the same layout. */
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

        /* The first arrival: r12 = entry, r13 = arg, rbx = the name for wr_co_personality,
         * rbp = rsp = the entry frame's record, 16-byte aligned. */
        .globl  wr_co_trampoline
        .hidden wr_co_trampoline
        .type   wr_co_trampoline, @function
        .balign 16
wr_co_trampoline:
        .cfi_startproc
        .cfi_personality 0x1b, wr_co_personality /* 4 bytes, relative */
        .cfi_def_cfa %rsp, 16
        .cfi_undefined %rip
        .cfi_undefined %rbp
        endbr64
        movq    %r13, %rdi
        call    *%r12
        ud2
        .cfi_endproc
.Ltrampoline_end:
        .size   wr_co_trampoline, . - wr_co_trampoline

        /* What a debugger reads for the trampoline. R is the word at rsp: the frame record of the
         * resumer, below which wr_co_jump_resume has saved its registers. In a coroutine that was
         * never resumed R is 0, and its caller has pc 0, which ends a backtrace. The frame is
         * marked as a signal frame ("S"): for any other frame whose caller is at a lower address,
         * a debugger reports a corrupt stack. */
        .macro wr_saved_at register, distance
        .byte   0x10, \register, 6      /* DW_CFA_expression */
        .byte   0x77, 0, 0x06           /* DW_OP_breg7 0, DW_OP_deref: R */
        .byte   0x09, \distance, 0x22   /* DW_OP_const1s, DW_OP_plus */
        .endm

        .section .debug_frame, "", @progbits
.Lcie:
        .long   .Lcie_end - .Lcie_start
.Lcie_start:
        .long   0xffffffff
        .byte   1                       /* version */
        .asciz  "zS"
        .byte   1, 0x78, 16             /* code factor 1, data factor -8, return column rip */
        .byte   0                       /* no augmentation data */
        .balign 8, 0
.Lcie_end:
        .long   .Lfde_end - .Lfde_start
.Lfde_start:
        .long   .Lcie
        .quad   wr_co_trampoline
        .quad   .Ltrampoline_end - wr_co_trampoline
        .byte   0                       /* no augmentation data */
        .byte   0x0f, 6                 /* DW_CFA_def_cfa_expression: R + 16 */
        .byte   0x77, 0, 0x06, 0x09, 16, 0x22
        .byte   0x16, 16, 13            /* DW_CFA_val_expression, rip: R != 0 ? R[1] : 0 */
        .byte   0x77, 0, 0x06, 0x12     /* R, DW_OP_dup */
        .byte   0x28, 3, 0              /* DW_OP_bra over the next */
        .byte   0x2f, 3, 0              /* DW_OP_skip to the end */
        .byte   0x23, 8, 0x06           /* DW_OP_plus_uconst 8, DW_OP_deref */
        wr_saved_at 6, 0                /* rbp */
        wr_saved_at 3, -8               /* rbx */
        wr_saved_at 12, -16
        wr_saved_at 13, -24
        wr_saved_at 14, -32
        wr_saved_at 15, -40
        .balign 8, 0
.Lfde_end:
        .text

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
