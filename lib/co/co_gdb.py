# co_gdb.py - support for coroutines in gdb. Installed where gdb loads it with libweir.so;
# elsewhere: `source co_gdb.py`.
#
# A backtrace in a body continues into the body's reader by itself (.debug_frame in co_switch_*.S).
# This file names the frame between the two, which gdb shows as a signal frame, and adds
#
#     weir-tasks LOOP      each task of a loop (an expression: loop, $1): what it waits for, and its
#                          calls, innermost first
#
# Both work on a running program and on a core file; weir-tasks needs debug information.

import gdb


class Resumed(gdb.FrameDecorator.FrameDecorator):
    """The frame of wr_co_trampoline: its caller is the function that resumed the coroutine."""

    def address(self):
        return None

    def function(self):
        return "<resumed by>"

    def filename(self):
        return None

    def line(self):
        return None


class NameResumed:
    """A frame filter that names the frames between a coroutine and its resumer."""

    name = "weir"
    priority = 100
    enabled = True

    def __init__(self):
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        for frame in frames:
            inferior = frame.inferior_frame()
            yield Resumed(frame) if inferior.name() == "wr_co_trampoline" else frame


class Tasks(gdb.Command):
    """weir-tasks LOOP: each task of a loop, what it waits for, and the calls it is in."""

    RECORDS_MAX = 64

    def __init__(self):
        super().__init__("weir-tasks", gdb.COMMAND_STACK, gdb.COMPLETE_EXPRESSION)

    def invoke(self, text, from_tty):
        if not text:
            raise gdb.GdbError("weir-tasks LOOP: an expression for the loop, for example: "
                               "weir-tasks loop")
        loop = gdb.parse_and_eval(text)
        if loop["owned"]:
            self.show(loop["outer"].address)
        task_type = gdb.lookup_type("struct wr_task")
        link = next(f for f in task_type.fields() if f.name == "all_link").bitpos // 8
        head = loop["tasks"].address
        node = head.dereference()["next"]
        while node != head:
            task = (node.cast(gdb.lookup_type("char").pointer()) - link).cast(task_type.pointer())
            self.show(task)
            node = node.dereference()["next"]

    def show(self, task):
        parked = task["leaf"]["co"]["sp"]
        why = task["why"].string() if task["why"] else "?"
        running = task["loop"]["task"] == task
        print("task '%s': %s" % (task["name"].string(), "running" if running else why))
        if running or not parked:
            return
        word = gdb.lookup_type("unsigned long")
        # The switch saves six registers, the frame pointer last: together with the return address
        # above it this is a normal frame record.
        record = (parked.cast(word.pointer()) + 5)
        for number in range(self.RECORDS_MAX):
            try:
                up, pc = int(record[0]), int(record[1])
            except gdb.MemoryError:
                return
            if pc == 0:
                return
            self.show_call(number, pc - 1)
            if up == 0:
                return
            record = gdb.Value(up).cast(word.pointer())

    def show_call(self, number, pc):
        block = gdb.block_for_pc(pc)
        while block is not None and block.function is None:
            block = block.superblock
        name = block.function.name if block is not None else "?"
        if name in ("wr_co_trampoline", "wr_co_jump_resume") or block is None:
            return
        place = gdb.find_pc_line(pc)
        where = " at %s:%d" % (place.symtab.filename, place.line) if place.symtab else ""
        print("  #%-2d %s%s" % (number, name, where))


NameResumed()
Tasks()
