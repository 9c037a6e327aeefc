"""The Linear provider obeys the contract of the Tasks port."""

from kit.tasks_conformance import TasksContract


class TestLinearTasks(TasksContract):
    """Issues in Linear."""
