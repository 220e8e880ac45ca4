/*
 * co_switch_aarch64.S - the switch, AAPCS64.
 *
 * A coroutine that is not running is a stack pointer to 160 bytes, lowest address first:
 *
 *     x19 .. x28   d8 .. d15   x29 x30
 *
 * x29 and x30 are a normal frame record. wr_co_resume links it to the entry frame of the coroutine
 * that it switches to, so that a frame-pointer unwinder that starts in a body continues into the
 * resumer. Unwinders that follow CFI stop at the trampoline, whose return address is undefined: an
 * exception that reaches it ends the program (co_exception.c). Of the vector registers the lower
 * halves of v8 to v15 are callee-saved; fpcr is not saved (co_switch.h).
 *
 * The last instruction should be `br`: the return stack of the processor belongs to the stack that
 * is left, and `ret` would be mispredicted. But a processor with branch target identification
 * faults when `br` goes to a guarded page and the target is not a landing pad. The instruction
 * after the caller's call is not a landing pad, and the program decides whether the caller's pages
 * are guarded. So on such processors (wr_co_branch_may_fault) `ret` is used, which may go anywhere.
 * Return addresses are not signed here; a caller that signs its own authenticates it after the
 * switch back, with the same stack pointer.
 */
#include "co_arch.h"

#ifdef WR_CO_AARCH64

        .text

#define BTI_C hint #34
#define BTI_J hint #36

        .macro wr_function name
        .globl  \name
        .hidden \name
        .type   \name, %function
        .balign 16
\name:
        .cfi_startproc
        BTI_C
        .endm

        .macro wr_alias name, target
        .weak   \name
        .hidden \name
        .type   \name, %function
        .set    \name, \target
        .endm

        .macro wr_cfi_saved
        .cfi_def_cfa_offset 160
        .cfi_offset x19, -160
        .cfi_offset x20, -152
        .cfi_offset x21, -144
        .cfi_offset x22, -136
        .cfi_offset x23, -128
        .cfi_offset x24, -120
        .cfi_offset x25, -112
        .cfi_offset x26, -104
        .cfi_offset x27, -96
        .cfi_offset x28, -88
        .cfi_offset 72, -80             /* d8 */
        .cfi_offset 73, -72
        .cfi_offset 74, -64
        .cfi_offset 75, -56
        .cfi_offset 76, -48
        .cfi_offset 77, -40
        .cfi_offset 78, -32
        .cfi_offset 79, -24
        .cfi_offset x29, -16
        .cfi_offset x30, -8
        .endm

        .hidden wr_co_branch_may_fault

        /* x0 = from, x1 = to, x2 = value. */
        .macro wr_save
        sub     sp, sp, #160
        stp     x19, x20, [sp]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     d8, d9, [sp, #80]
        stp     d10, d11, [sp, #96]
        stp     d12, d13, [sp, #112]
        stp     d14, d15, [sp, #128]
        stp     x29, x30, [sp, #144]
        wr_cfi_saved
        .endm

        /* The CFI is valid on both stacks: they have the same layout. */
        .macro wr_swap_stacks
        mov     x9, sp
        str     x9, [x0, #WR_CO_SP]
        ldr     x9, [x1, #WR_CO_SP]
        mov     sp, x9
        .endm

        .macro wr_arrive
        adrp    x9, wr_co_branch_may_fault
        ldrb    w9, [x9, #:lo12:wr_co_branch_may_fault]
        mov     x0, x2
        ldp     x19, x20, [sp]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     d8, d9, [sp, #80]
        ldp     d10, d11, [sp, #96]
        ldp     d12, d13, [sp, #112]
        ldp     d14, d15, [sp, #128]
        ldp     x29, x30, [sp, #144]
        add     sp, sp, #160
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore 72
        .cfi_restore 73
        .cfi_restore 74
        .cfi_restore 75
        .cfi_restore 76
        .cfi_restore 77
        .cfi_restore 78
        .cfi_restore 79
        .cfi_restore x29
        .cfi_restore x30
        cbnz    w9, 1f
        br      x30
1:      ret
        .cfi_endproc
        .endm

wr_function wr_co_jump_resume
        wr_save
        add     x9, sp, #144
        ldr     x10, [x1, #WR_CO_LINK]
        str     x9, [x10]
        wr_swap_stacks
        wr_arrive
        .size   wr_co_jump_resume, . - wr_co_jump_resume

wr_function wr_co_jump_switch
        wr_save
        wr_swap_stacks
        wr_arrive
        .size   wr_co_jump_switch, . - wr_co_jump_switch

wr_function wr_co_jump_leave
        ldr     x9, [x1, #WR_CO_SP]
        mov     sp, x9
        wr_cfi_saved
        wr_arrive
        .size   wr_co_jump_leave, . - wr_co_jump_leave

        /* The first arrival: x19 = entry, x20 = arg, x21 = the name for wr_co_personality,
         * x29 = sp = the entry frame's record. */
        .globl  wr_co_trampoline
        .hidden wr_co_trampoline
        .type   wr_co_trampoline, %function
        .balign 16
wr_co_trampoline:
        .cfi_startproc
        .cfi_personality 0x1b, wr_co_personality /* 4 bytes, relative */
        .cfi_def_cfa sp, 16
        .cfi_undefined x29
        .cfi_undefined x30
        BTI_J
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   wr_co_trampoline, . - wr_co_trampoline

wr_alias wr_co_resume, wr_co_jump_resume
wr_alias wr_co_switch, wr_co_jump_switch
wr_alias wr_co_leave, wr_co_jump_leave

#ifdef __ARM_FEATURE_BTI_DEFAULT
        .section .note.gnu.property, "a", %note
        .balign 8
        .long   4                       /* length of the name */
        .long   16                      /* length of the properties */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000              /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long   4
        .long   1                       /* BTI */
        .long   0
#endif
#endif

#ifdef __ELF__
        .section .note.GNU-stack, "", %progbits
#endif
