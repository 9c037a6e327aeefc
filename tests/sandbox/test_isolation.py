"""A sandbox cannot be undone from inside, whoever started it."""

from autorun.effects import files, process
from kit.den import Den, git


def _holds(den: Den, script: str) -> bool:
    return "worked" not in den.shell(f"({script}) && echo worked")


def test_no_capability_and_no_way_to_one(den: Den) -> None:
    """All capability sets are empty, no new privileges can come, no set-user-id program helps (A4)."""
    status = dict(line.split(":", 1) for line in den.shell("cat /proc/self/status").splitlines())
    assert {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Uid"].split() == ["1000"] * 4


def test_mounts_stay(den: Den) -> None:
    """Nothing can be unmounted, mounted or mounted anew, and no namespace can be made (A4)."""
    git_dir = den.workspace.path / ".git"
    for attempt in (
        f"umount {git_dir}",
        f"umount --lazy {git_dir}/config",
        f"mount -o remount,rw {git_dir}",
        f"mount -o remount,bind,rw {git_dir}/objects",
        "mount -o remount,rw /",
        "mount -t tmpfs none /tmp",
        "unshare --user true",
        "unshare --user --map-root-user true",
        "unshare --mount true",
        "unshare --net true",
        "nsenter --target 1 --mount true",
    ):
        assert _holds(den, attempt), attempt


def test_the_system_is_read_only(den: Den) -> None:
    """Nothing outside the workspace and the folders in memory can be written, the kernel's settings included."""
    for attempt in (
        *(
            f"touch {folder}/x"
            for folder in ("/", "/usr", "/usr/local/bin", "/etc", "/home", "/dev", "/var", "/proc")
        ),
        "cat /proc/sys/kernel/core_pattern | tee /proc/sys/kernel/core_pattern",
        "cat /proc/sys/vm/overcommit_memory | tee /proc/sys/vm/overcommit_memory",
    ):
        assert _holds(den, f"set -o pipefail; {attempt}"), attempt
    writable = den.python(
        "import os\n"
        "for top, folders, names in os.walk('/proc'):\n"
        "    for path in (os.path.join(top, name) for name in names if '/fd' not in top):\n"
        "        try: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)); print(path)\n"
        "        except OSError: pass\n"
    )
    assert writable == ""
    den.shell(
        f"touch {den.base}/x {den.workspace.path.parent}/x {den.home}/x"
    )  # what is above the workspace is a shell
    assert not any((folder / "x").exists() for folder in (den.base, den.workspace.path.parent, den.home))


def test_other_processes_and_the_rest_of_the_machine_are_absent(den: Den) -> None:
    """Only the sandbox's own processes are seen; no home, no /run, no docker socket, no device but the harmless."""
    processes = den.shell("ls -d /proc/[0-9]*").split()
    assert len(processes) <= 4
    assert den.shell("ls /run /var/run /sys /boot /srv /mnt /media 2>/dev/null") == ""
    assert set(den.shell("ls -A /home").split()) <= {"agent", "linuxbrew"}  # hosted runners keep tools at the latter
    devices = set(den.shell("ls /dev").split())
    assert devices == (
        {"core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom"}
        | {"zero"}
    )
    assert den.shell("hostname; whoami; echo ~") == "autorun\nagent\n/home/agent\n"
    session = int(den.shell("cat /proc/self/stat").rpartition(")")[2].split()[3])
    assert session > 0, "its session is the runner's, whose terminal it could type into"


def test_scratch_folders_work_are_bounded_and_forgotten(den: Den) -> None:
    """Home, /tmp and /dev/shm take files up to their size, and nothing of them is left for the next command."""
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/home/agent"):  # noqa: S108 -- inside the sandbox
        assert den.shell(f"echo x > {folder}/x && cat {folder}/x") == "x\n"
        assert den.shell(f"ls -A {folder}").replace(den.base.name, "").strip() == ""
        assert "No space left" in den.shell(f"head -c 70M /dev/zero > {folder}/big")


def test_the_workspace_is_writable_at_its_own_path(den: Den) -> None:
    """What a command writes in its workspace is there afterwards."""
    assert den.shell("pwd; echo mine > new.txt; rm README.md") == f"{den.workspace.path}\n"
    assert (den.workspace.path / "new.txt").read_text() == "mine\n"
    assert git(den.workspace.path, "status", "--short").split() == ["D", "README.md", "??", "new.txt"]


def test_an_agent_folder_outside_the_workspace_survives_and_a_readable_one_is_not_written(own_den: Den) -> None:
    """Writable folders of a room keep what was written, readable ones refuse it, both at their own path."""
    keep, read = own_den.base / "session" / "agent", own_den.base / "papers-of-task"
    keep.mkdir(parents=True)
    read.mkdir()
    (read / "brief.md").write_text("brief")
    own_den.writable, own_den.readable = (keep,), (read,)
    assert own_den.shell(f"cat {read}/brief.md; echo kept > {keep}/log") == "brief"
    assert "Read-only" in own_den.shell(f"echo x > {read}/brief.md")
    own_den.shell(f"touch {keep.parent}/beside")
    assert not (keep.parent / "beside").exists()
    assert (keep / "log").read_text() == "kept\n"


def test_no_command_begins_for_a_runner_that_is_dead(own_den: Den) -> None:
    """One that dies while bubblewrap sets up, which is not bound to it yet, leaves nothing that works."""
    runner = own_den.base / "runner"
    own_den.alive = runner.with_name("runner.lock")
    with files.locked(runner):
        assert own_den.run("touch", "begun").ok
        command = own_den.confined("touch", "begun-too-late")
    done = process.run(command)
    assert (done.returncode, done.stderr) == (137, b"")
    assert (own_den.workspace.path / "begun").exists()
    assert not (own_den.workspace.path / "begun-too-late").exists()
