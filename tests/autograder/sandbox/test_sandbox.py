"""Workers: limited, watched, killed; and none left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from autograder.errors import Crashed, SandboxError, TimedOut
from autograder.sandbox import Allowance, Sandbox
from autograder.sandbox.process import KEPT, Tail
from autograder.sandbox.zygote import Zygote
from autograder.worker import protocol
from autograder.worker.protocol import Fault, read_reply, write

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is for Linux")


NAMESPACES = {"ipc_namespace", "network_namespace", "mount_namespace", "pid_namespace"}


def ask(worker, code, seconds=2.0):
    """Return what `run()` of a student's module returns, or the fault."""
    load = protocol.Load({"unit": ("unit.py", textwrap.dedent(code))}, "unit", 0, seconds=seconds)
    loaded = read_reply(worker.exchange(write(load), seconds))
    if isinstance(loaded, Fault):
        return loaded
    reply = read_reply(worker.exchange(write(protocol.Invoke("run", (), {}, seconds=seconds)), seconds))
    return reply if isinstance(reply, Fault) else reply.value


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descendants(pid):
    """The living processes below one, as this machine counts them."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return {child for child in children if alive(child)}.union(*map(descendants, children))


def below(sandbox):
    """The processes of a sandbox, without its first."""
    return descendants(sandbox.zygote.pid)


def test_the_server_holds_no_check_and_no_solution(sandbox, catalog):
    with sandbox.worker() as worker:
        names = ask(worker, "import sys\ndef run():\n    return sorted(sys.modules)")
    assert "torch" in names and "data" in names
    ours = {name for name in names if name.startswith("autograder")}
    assert {name.split(".")[1] for name in ours if "." in name} == {
        "errors",
        "libraries",
        "messages",
        "worker",
        "sandbox",
    }
    secrets = {"solutions", "mistakes", "pytest", *catalog.units, *(f"test_{unit}" for unit in catalog.units)}
    assert not secrets & {part for name in names for part in name.split(".")}


def test_a_worker_is_a_process_of_its_own_and_gone_afterwards(sandbox):
    sandbox.isolation  # noqa: B018 - asking for it starts the server
    before = below(sandbox)
    with sandbox.worker() as worker:
        assert ask(worker, "import os\ndef run():\n    return os.getpid()") == worker.pid
        (process,) = below(sandbox) - before
        assert process != os.getpid()
    assert not alive(process) and below(sandbox) == before


OPEN_DESCRIPTORS = """
    import os

    def run():
        return [number for number in range(1000) if is_open(number)]

    def is_open(number):
        try:
            return bool(os.fstat(number)) or True
        except OSError:
            return False
"""


def test_nothing_of_the_graders_environment_reaches_it(sandbox, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    with Sandbox(()) as fresh, fresh.worker() as worker:
        environment = ask(worker, "import os\ndef run():\n    return dict(os.environ)")
        opened = ask(worker, OPEN_DESCRIPTORS)
        stdin = ask(worker, "import sys\ndef run():\n    return sys.stdin.read()")
    assert "secret" not in environment.values() and environment["HOME"] == "/nonexistent"
    # Its streams, the connection, and two files of the kernel that tell how long it and anything else has waited for a core.
    assert opened == [0, 1, 2, 3, 4, 5]
    assert stdin == ""


def test_a_gpu_is_out_of_sight_of_those_who_may_not_use_it(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with Sandbox() as sandbox, sandbox.worker() as worker:
        assert ask(worker, "import os\ndef run():\n    return os.environ['CUDA_VISIBLE_DEVICES']") == ""


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
def test_a_worker_without_the_gpu_that_it_is_to_use_costs_no_points():
    with (
        Sandbox(gpu=True) as sandbox,
        pytest.raises(SandboxError, match="a worker could not begin: the GPU cannot be used"),
    ):
        sandbox.worker().__enter__()


@pytest.mark.slow
def test_a_worker_that_does_not_answer_is_killed(sandbox):
    code = """
        import signal, time
        def run():
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
            while True:
                time.sleep(100)
    """
    with sandbox.worker() as worker:
        (process,) = {pid for pid in below(sandbox) if not descendants(pid)}
        with pytest.raises(TimedOut, match=r"did not finish within 0\.2 s of its own time and was stopped"):
            ask(worker, code, seconds=0.2)
        assert not alive(process)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os._exit(3)", "it ended its own process with exit code 3"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
        ("os.kill(os.getpid(), 40)", "its process died of signal 40"),  # a real-time signal has no name
        ("os.close(3)", "ended|died|killed"),
        pytest.param(
            *("sys.setrecursionlimit(10**9); f = lambda: f(); f()", "SIGSEGV|RecursionError|did not finish"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_death_is_told(sandbox, body, words):
    with sandbox.worker() as worker, pytest.raises((Crashed, TimedOut), match=words):
        reply = ask(worker, f"import os, sys\ndef run():\n    {body}\n")
        raise Crashed(str(reply))  # where Python itself has stopped the recursion


def test_the_next_worker_is_not_harmed(sandbox):
    with sandbox.worker() as worker, pytest.raises(Crashed):
        ask(worker, "import os\ndef run():\n    os._exit(0)")
    with sandbox.worker() as worker:
        assert ask(worker, "def run():\n    return 1") == 1


IDENTITY = """
    import os, threading
    def run():
        thread = threading.Thread(target=int)
        thread.start()
        for _ in range({threads}):
            each = threading.Thread(target=int)
            each.start()
            each.join()
        return [os.getpid(), os.getuid(), os.getgid(), os.getppid(), thread.native_id]
"""


def test_no_number_of_a_process_tells_what_came_before(sandbox):
    """A hidden check could otherwise leave word for a visible one: in how many threads there were."""
    if "pid_namespace" not in sandbox.isolation:
        pytest.skip("no pid namespace here")
    seen = []
    for threads in (0, 7, 0):
        with sandbox.worker() as worker:
            seen.append(ask(worker, IDENTITY.format(threads=threads)))
    assert seen[0] == seen[1] == seen[2]


def test_workers_at_the_same_time_are_users_of_their_own(sandbox):
    if "own_uid" not in sandbox.isolation:
        pytest.skip("only root can give each worker a user of its own")
    with sandbox.worker() as one, sandbox.worker() as other:
        assert ask(one, "import os\ndef run():\n    return os.getuid()") != ask(
            other, "import os\ndef run():\n    return os.getuid()"
        )


ESCAPES = """
    import os, time
    def run():
        if not os.fork():
            os.setsid()
            if not os.fork():
                time.sleep(1000)
            os._exit(0)
        os.wait()
        return os.getpid()
"""


@pytest.mark.parametrize("without", [{"seccomp"}, {"seccomp", "pid_namespace"}, {"seccomp", *NAMESPACES, "own_uid"}])
def test_what_a_worker_started_ends_with_it(sandbox, another_sandbox, without):
    with another_sandbox(without=frozenset(without)) as weak:
        weak.isolation  # noqa: B018 - asking for it starts the server
        before = below(sandbox)
        with weak.worker() as worker:
            assert ask(worker, ESCAPES) == worker.pid
            assert len(below(sandbox) - before) == 2  # the worker, and what escaped from its session
        assert below(sandbox) == before


def until(condition, seconds=10.0):
    """Waits for what another process is about to do; ends as soon as it has."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_flood_of_prints_is_cut_and_does_not_block(sandbox):
    with sandbox.worker() as worker:
        value = ask(
            worker, "def run():\n    for i in range(20000):\n        print('x' * 500)\n    return 7", seconds=20
        )
        assert value == 7
        printed = worker.take_printed()
    assert len(printed) < 3 * KEPT
    assert "bytes left out" in printed


def test_memory_is_limited(another_sandbox):
    with another_sandbox((), Allowance(data_bytes=200 * 2**20)) as small, small.worker() as worker:
        small_enough = ask(worker, "def run():\n    return len(bytearray(50 * 2**20))", seconds=10)
        assert small_enough == 50 * 2**20
        reply = ask(worker, "def run():\n    return len(bytearray(400 * 2**20))", seconds=10)
        assert reply.kinds[0] == "MemoryError"


def test_a_worker_that_uses_up_its_processor_time_is_told_so(another_sandbox):
    short = another_sandbox((), Allowance(cpu_seconds=1))
    with short, short.worker() as worker, pytest.raises(Crashed, match="it used up its processor time"):
        ask(worker, "def run():\n    while True: pass", seconds=20)


WRITES = """
    import os, posix, tempfile
    def kept():
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write("kept")
        open("beside", "w").write("kept")
        return open(file.name).read(), open("beside").read(), os.listdir(tempfile.gettempdir()) != []
    def really():
        posix.open("beside", os.O_CREAT | os.O_WRONLY)
    def elsewhere():
        open(ELSEWHERE, "w")
    def run():
        return [os.path.exists("beside"), *kept()]
"""


#: What a machine may lack; each starts a server of its own.
RUNGS = [
    set(),
    *(
        pytest.param(without, marks=pytest.mark.slow)
        for without in ({"mount_namespace"}, {"landlock"}, {"seccomp", "own_uid"}, {*NAMESPACES, "own_uid"})
    ),
]


@pytest.mark.parametrize("without", RUNGS)
def test_what_is_written_stays_in_memory_on_every_rung_and_until_the_next_check(another_sandbox, without, tmp_path):
    code = WRITES.replace("ELSEWHERE", repr(str(tmp_path / "x")))
    with another_sandbox(without=frozenset(without)) as weak, weak.worker() as worker:
        for _ in range(2):
            assert ask(worker, code) == [False, "kept", "kept", True]
        for attempt in ("really", "elsewhere"):
            reply = ask(worker, code.replace("def run", "def other").replace(f"def {attempt}", "def run"))
            assert "OSError" in reply.kinds
    assert reply.text.endswith(
        (
            "; a graded submission can write temporary files alone, start no processes and use no network",
            "; a graded submission finds no files but those of the course",
        )
    )
    assert list(tmp_path.iterdir()) == []


POOLS = """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing.pool import ThreadPool
    lock, places = multiprocessing.Lock(), multiprocessing.Semaphore(value=2)
    def double(x):
        with lock, places:
            return 2 * x
    def run():
        seen = []
        for kind in (ProcessPoolExecutor, ThreadPoolExecutor):
            with kind(2) as pool:
                seen.append(list(pool.map(double, range(3))))
        for kind in (multiprocessing.Pool, multiprocessing.get_context("spawn").Pool, ThreadPool):
            with kind(2) as pool:
                seen.append(pool.map(double, range(3)))
        return seen
    def start():
        multiprocessing.Process(target=double, args=(1,)).start()
"""


def test_pools_work_in_threads_and_no_process_can_be_started(sandbox):
    with sandbox.worker() as worker:
        assert ask(worker, POOLS, seconds=10) == [[0, 2, 4]] * 5
        printed = worker.take_printed()
        reply = ask(worker, POOLS.replace("def run", "def other").replace("def start", "def run"))
    assert printed.count("Note: a pool of processes works in threads") == 1
    assert reply.text.endswith(
        "; a graded submission can write temporary files alone, start no processes and use no network"
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("data.load_model('vgg16')", "the weights of vgg16"),
        ("data.pets_root(download=True)", "the data oxford-iiit-pet"),
    ],
)
def test_data_that_cannot_be_had_are_told_with_what_a_student_can_do(
    another_sandbox, monkeypatch, tmp_path, code, said
):
    for name in ("IDEALCAT_WEIGHTS", "OXFORD_PETS", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IDEALCAT_CACHE", str(tmp_path))
    with another_sandbox() as fresh, fresh.worker() as worker:
        reply = ask(worker, f"import data\ndef run(): {code}", seconds=20)
    assert reply.text == (
        f"{said} cannot be loaded in a graded submission; compute with what the function is given, and load anything else "
        "under `if __name__ == '__main__':`"
    )


def test_a_download_is_told_to_need_a_network(sandbox):
    with sandbox.worker() as worker:
        code = "import torch\ndef run(): torch.hub.download_url_to_file('https://example.org/a.pth', 'a.pth')"
        reply = ask(worker, code, seconds=20)
    assert reply.text.endswith("start no processes and use no network")


LOOPS = """
    import asyncio
    import warnings
    async def double(x):
        await asyncio.sleep(0.001)
        return await asyncio.to_thread(lambda: 2 * x)
    async def both():
        async with asyncio.timeout(5):
            return await asyncio.gather(double(1), double(2))
    def run():
        warnings.simplefilter("error")
        loop = asyncio.new_event_loop()
        seen = [asyncio.run(both()), loop.run_until_complete(both())]
        loop.close()
        return seen
"""


def test_an_event_loop_needs_no_socket(sandbox):
    with sandbox.worker() as worker:
        assert ask(worker, LOOPS) == [[2, 4]] * 2


def test_a_pipe_cannot_be_made_larger(sandbox):
    code = "import fcntl, os\ndef run():\n    fcntl.fcntl(os.pipe()[0], 1031, 2**20)"
    with sandbox.worker() as worker:
        assert ask(worker, code).kinds[0] == "PermissionError"


def test_a_file_that_is_not_there_is_explained(sandbox):
    with sandbox.worker() as worker:
        reply = ask(worker, "def run():\n    open('/dev/data.csv')")
    assert reply.text.endswith("'/dev/data.csv'; a graded submission finds no files but those of the course")


def test_what_a_sandbox_cannot_give_is_replaced_with_a_notice(sandbox):
    code = """
        import torch
        from torch.utils.data import DataLoader
        @torch.compile
        def double(x):
            return x + x
        triple = torch.compile(lambda x: 3 * x, dynamic=True)
        def run():
            options = {"num_workers": 2, "prefetch_factor": 2, "persistent_workers": True, "timeout": 3}
            batches = [list(DataLoader(torch.arange(5), 2, **options)) for _ in range(2)]
            return [double(1), triple(1), torch.nn.ReLU().compile(), [len(batch) for batch in batches[1]]]
    """
    with sandbox.worker() as worker:
        assert ask(worker, code, seconds=20) == [2, 3, None, [2, 2, 1]]
        printed = worker.take_printed()
    assert printed.count("Note: a DataLoader reads without worker processes") == 1
    assert printed.count("Note: torch.compile leaves the code as it is") == 1


DRAWS = """
    import io
    import matplotlib
    matplotlib.use("TkAgg")
    import matplotlib.pyplot as plt
    import numpy as np
    from PIL import Image
    from tqdm import tqdm
    from tqdm.auto import trange

    def run():
        figure, (left, right) = plt.subplots(1, 2)
        left.plot([1, 2, 4], label="loss")
        left.legend()
        right.imshow(np.zeros((4, 4, 3)))
        for name in ("losses.png", "/tmp/losses.jpg", "losses.pdf", "losses.svg", "losses", "/kaggle/working/losses.png"):
            plt.savefig(name)
        plt.show()
        plt.pause(0.001)
        plt.imsave("picture.png", np.zeros((4, 4)))
        Image.new("RGB", (2, 2)).save("picture.jpg")
        assert Image.open("/tmp/losses.jpg").size == (640, 480) and Image.open("picture.jpg").size == (2, 2)
        kept = io.BytesIO()
        figure.savefig(kept, format="png")
        plt.close("all")
        return [kept.getvalue()[:4], sum(i for i in tqdm(range(5))), sum(trange(4, desc="epochs"))]
"""


@pytest.mark.parametrize("without", RUNGS)
def test_what_everybody_draws_with_works_on_every_rung(another_sandbox, without):
    with another_sandbox(without=frozenset(without)) as weak, weak.worker() as worker:
        assert ask(worker, DRAWS, seconds=10.0) == [b"\x89PNG", 10, 6]
        printed = worker.take_printed()
    assert printed.count("Note: a picture is drawn and not saved") == 1
    assert "epochs: 100%" in printed and "matplotlib" not in printed.lower()


NAMED_ARGUMENTS = """
import os
import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from PIL import Image

def run():
    torch.save(obj=torch.ones(2), f="a.pt")
    safetensors.torch.save_file(tensors={"x": torch.ones(2)}, filename="x.safetensors")
    safetensors.numpy.save_file(tensor_dict={"x": np.ones(2)}, filename="y.safetensors")
    torch.jit.save(m=torch.jit.script(torch.nn.Linear(2, 2)), f="script.pt")
    os.rename(src="a.pt", dst="b.pt")
    os.replace(src="b.pt", dst="c.pt")
    Image.new("RGB", (2, 2)).save(fp="picture.png", format="PNG")
    assert Image.open(fp="picture.png").size == (2, 2)
    torch.jit.load(f="script.pt").save("again.pt")
    assert torch.jit.load(f="again.pt")(torch.ones(2)).shape == (2,)
    for library in (safetensors.torch, safetensors.numpy):
        assert len(library.load_file(filename="x.safetensors")["x"]) == 2
    return torch.load(f="c.pt").tolist()
"""


def test_files_are_saved_by_named_arguments(sandbox):
    with sandbox.worker() as worker:
        assert ask(worker, NAMED_ARGUMENTS, seconds=10.0) == [1.0, 1.0]


def test_no_worker_sees_where_matplotlib_was_set_up(sandbox):
    with sandbox.worker() as worker:
        assert ask(worker, "import os\ndef run():\n    return os.environ.get('MPLCONFIGDIR')") is None


@pytest.mark.parametrize(
    "code",
    [
        "torch.zeros(1).cuda()",
        "torch.zeros(1).to('cuda')",
        "torch.zeros(1, device='cuda')",
        "torch.nn.Linear(1, 1).cuda()",
        "torch.set_default_device('cuda') or torch.zeros(1)",
    ],
)
def test_a_grading_on_the_cpu_says_so(sandbox, code):
    with sandbox.worker() as worker:
        reply = ask(worker, f"import torch\ndef run():\n    {code}")
    assert reply.text.startswith("this is graded on the CPU, without CUDA: leave out .cuda() and 'cuda'")


def test_without_a_gpu_the_usual_question_has_its_answer(sandbox):
    code = "import torch\ndef run():\n    return torch.cuda.is_available(), torch.cuda.device_count()"
    with sandbox.worker() as worker:
        assert ask(worker, code) == (False, 0)


def test_weights_that_lie_on_no_disk_are_refused_at_once(sandbox):
    code = "import torchvision\ndef run():\n    torchvision.models.vgg16(weights='DEFAULT')"
    with sandbox.worker() as worker:
        reply = ask(worker, code, seconds=10)
    assert "vgg16" in reply.text and "cannot be downloaded: a graded submission has no network" in reply.text


def test_a_huge_answer_is_refused(sandbox):
    code = """
        import os, struct
        def run():
            os.write(3, struct.pack("<Q", 2**62))
            while True:
                pass
    """
    with sandbox.worker() as worker, pytest.raises(Crashed, match="larger than"):
        ask(worker, code)


@pytest.mark.parametrize("forged", ['b"short"', "b'x' * 10_000", 'struct.pack("<Q", 40) + bytes(40)'])
def test_what_was_not_asked_for_is_no_answer(sandbox, forged):
    code = f"""
        import os, struct
        def run():
            os.write(3, {forged})
            return 1
    """
    with sandbox.worker() as worker, pytest.raises(Crashed, match=r"by itself|larger than"):
        ask(worker, code)


def test_an_answer_cannot_be_given_ahead(sandbox):
    code = """
        import os, struct
        from autograder.worker import serving
        read_frame = serving.read_frame
        def answer_first(receive):
            os.write(3, struct.pack("<Q", 40) + bytes(40))
            return read_frame(receive)
        def run():
            serving.read_frame = answer_first
            return 1
    """
    with sandbox.worker() as worker:
        assert ask(worker, code) == 1
        with pytest.raises(Crashed, match="it wrote to the grader's connection by itself"):
            ask(worker, code)


def test_an_exception_is_told_although_libraries_were_replaced(sandbox):
    code = """
        import sys, types
        sys.modules["numpy"] = types.ModuleType("numpy")
        raise KeyError(object())
    """
    with sandbox.worker() as worker:
        assert ask(worker, code).kinds[0] == "KeyError"


def test_a_package_that_only_pythonpath_finds_reaches_the_workers(tmp_path, monkeypatch):
    (tmp_path / "found_by_the_path.py").write_text("HERE = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code = "import os, found_by_the_path\ndef run():\n    return found_by_the_path.HERE, 'PYTHONPATH' in os.environ"
    with Sandbox(("found_by_the_path",)) as fresh, fresh.worker() as worker:
        assert ask(worker, code) == (1, False)


@pytest.mark.parametrize("victim", ["server", "zygote"])
def test_a_killed_server_is_started_again(victim):
    with Sandbox(()) as fresh:
        with fresh.worker() as worker:
            zygote, first = fresh.zygote.pid, below(fresh)
            (server,) = [pid for pid in first if descendants(pid) == first - {pid}]
            os.kill(server if victim == "server" else zygote, signal.SIGKILL)
            until(lambda: not any(map(alive, first)))
            with pytest.raises(Crashed, match="together with the fork server"):
                ask(worker, "def run():\n    return 1")
        with fresh.worker() as worker:
            assert ask(worker, "def run():\n    return 1") == 1
        assert (fresh.zygote.pid == zygote) == (victim == "server")


def test_a_server_that_cannot_start_says_why():
    with pytest.raises(SandboxError, match="ModuleNotFoundError: No module named 'no_such_module'"):
        Sandbox(("no_such_module",)).isolation  # noqa: B018 - asking for it starts the server


def test_isolation_names_what_holds(sandbox):
    assert {"process", "rlimits", "no_new_privs", "deadline"} <= set(sandbox.isolation)


def test_a_killed_grader_leaves_no_process_behind(tmp_path):
    program = """
        import os, sys
        from autograder.sandbox import Sandbox
        with Sandbox(()) as sandbox, sandbox.worker() as worker:
            print("ready", flush=True)
            sys.stdin.read()
    """
    grader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # a killed grader cannot clean up its folder
    )
    assert grader.stdout.readline() == "ready\n"
    started = descendants(grader.pid)
    assert len(started) >= 2
    grader.kill()
    grader.communicate()
    until(lambda: not any(map(alive, started)))


def test_what_is_printed_is_kept_at_both_ends():
    tail = Tail()
    tail.add(b"begin ")
    for _ in range(1000):
        tail.add(b"x" * 100)
    tail.add(b" end")
    assert tail.text().startswith("begin x") and tail.text().endswith("x end")
    assert tail.dropped == 100_010 - 2 * KEPT


def test_nothing_is_broken_between_both_ends_if_all_is_kept():
    tail = Tail()
    tail.add(("a" * (KEPT - 1) + "ąąą").encode())
    assert tail.text() == "a" * (KEPT - 1) + "ąąą"


def test_what_is_printed_is_made_harmless():
    tail = Tail()
    tail.add("\x9b31m\u202e".encode())
    tail.add(b"\x1b[31mred\x1b[0m \x1b]0;title\x07ok\r\n10%\r50%\r100%\nbell\x07 \xff\n")
    assert tail.text() == "31mred ok\n100%\nbell \ufffd\n"


def test_what_joins_letters_is_printed_as_it_is():
    tail = Tail()
    tail.add("မြန်မာ\u200bစာ क्\u200dष".encode())
    assert tail.text() == "မြန်မာ\u200bစာ क्\u200dष"


def test_a_folder_that_cannot_be_made_leaves_no_descriptor_open(sandbox, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"), sandbox.worker():
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_child_of_a_zygote_may_write_more_errors_than_a_pipe_holds(tmp_path):
    (tmp_path / "talkative.py").write_text(
        "import socket, sys\n"
        "from autograder.sandbox.zygote import serve_forks\n"
        "def become(connection):\n"
        "    sys.stderr.write('x' * 10**6 + '\\nthe end\\n')\n"
        "    connection.send(b'done')\n"
        "serve_forks(socket.socket(fileno=int(sys.argv[1])), become)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    zygote = Zygote("talkative", environment={**os.environ, "PYTHONPATH": paths})
    with contextlib.closing(zygote), zygote.child() as connection:
        connection.settimeout(30)
        assert connection.recv(10) == b"done"
        assert zygote.end_and_read_error() == "the end"
