/*
 * co_exception.c - an exception that leaves the function a coroutine runs.
 *
 * The caller of the trampoline is C code on another stack, which an exception must not cross. The
 * unwinder that looks for a handler calls each frame's personality routine; the trampoline's
 * routine is in this file. When the search reaches it, no handler was found: the routine prints
 * this and the name of the coroutine, and lets the search continue to its end, which is the
 * trampoline's undefined return address. There the language's runtime terminates the program, with
 * the frames of the throw still in place.
 *
 * The trampoline keeps the coroutine's name in a callee-saved register, which the unwinder restores
 * for this frame. The unwinder's functions are present in a program that can throw; a program that
 * cannot throw need not link them.
 */
#include "co_arch.h"

#if defined(WR_CO_X86_64) || defined(WR_CO_AARCH64)

#include <stdio.h>
#include <unwind.h>

#pragma weak _Unwind_GetGR

#ifdef WR_CO_X86_64
enum { NAME_REGISTER = 3 }; /* rbx in DWARF's order */
#else
enum { NAME_REGISTER = 21 };
#endif

_Unwind_Reason_Code wr_co_personality(int version, _Unwind_Action actions,
                                      _Unwind_Exception_Class kind,
                                      struct _Unwind_Exception *exception,
                                      struct _Unwind_Context *context);

_Unwind_Reason_Code wr_co_personality(int version, _Unwind_Action actions,
                                      _Unwind_Exception_Class kind,
                                      struct _Unwind_Exception *exception,
                                      struct _Unwind_Context *context)
{
    (void)version;
    (void)kind;
    (void)exception;
    if ((actions & _UA_SEARCH_PHASE) != 0) {
        const char *name = NULL;
        if (_Unwind_GetGR != NULL) {
            name = (const char *)(uintptr_t)_Unwind_GetGR(context, NAME_REGISTER);
        }
        fprintf(
            stderr,
            "weir: uncaught exception in '%s': an exception cannot leave it; catch it there and "
            "return weir_fail() or another negative code\n",
            name != NULL ? name : "a callback");
    }
    return _URC_CONTINUE_UNWIND;
}

#endif
