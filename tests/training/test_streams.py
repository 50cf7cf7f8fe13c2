"""Streams of batches from generators and Sequences, made ahead in threads or processes."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from multiprocessing import active_children
from types import ModuleType

import numpy as np
import pytest

from polykeras import config
from polykeras.utils.patience import Patience
from polykeras.utils.sequence import Sequence
from polykeras.utils.streams import Ahead
from polykeras.utils.streams import stream as stream_of
from tests.training.streamed import Count, Dying, Large, Passes, Random, Rows, Unpicklable, counting


class Numbers(Sequence):
    def __init__(self, count, delay=None):
        self.count = count
        self.delay = delay or (lambda index: 0)
        self.passes = 0
        self.threads = set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.threads.add(threading.get_ident())
        time.sleep(self.delay(index))
        return (self.passes, index)

    def on_epoch_end(self):
        self.passes += 1


def stream(source, shuffle=False, seed=None, **ahead):
    return stream_of(source, shuffle=shuffle, seed=seed, ahead=Ahead(**ahead))


@pytest.fixture
def opened():
    """Opens streams, and closes them afterwards."""
    streams = []

    def open_one(source, **arguments):
        streams.append(stream(source, **arguments))
        return streams[-1]

    yield open_one
    for one in streams:
        one.close()


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")] == []
    assert active_children() == []


def take(source, count):
    return list(itertools.islice(source, count))


# -- order -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_sequence_keeps_its_order_pass_after_pass(workers, opened):
    numbers = Numbers(5, delay=lambda index: 0.004 * (5 - index))
    got = take(opened(numbers, workers=workers), 12)
    assert [index for _, index in got] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert [number for number, _ in got] == [0] * 5 + [1] * 5 + [2] * 2  # `on_epoch_end` comes between the passes
    if workers == 3:
        assert len(numbers.threads) > 1
    if workers == 0:
        assert numbers.threads == {threading.get_ident()}


def test_shuffled_sequence_gives_each_batch_once_per_pass(opened):
    np.random.seed(1)
    source = opened(Numbers(20), shuffle=True, workers=2)
    first, second = take(source, 20), take(source, 20)
    orders = [[index for _, index in part] for part in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20))
    assert orders[0] != orders[1]
    assert orders[0] != list(range(20))


@pytest.mark.parametrize("workers", [0, 2])
def test_sequence_can_be_set_back_to_its_start(workers, opened):
    source = opened(Numbers(5), workers=workers)
    take(source, 3)
    source.rewind()
    assert [index for _, index in take(source, 7)] == [0, 1, 2, 3, 4, 0, 1]


def test_empty_sequence():
    with pytest.raises(ValueError, match="Numbers has no batches"):
        stream(Numbers(0))


def test_a_sequence_is_iterable():
    assert [index for _, index in Numbers(3)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_generator_keeps_its_order(workers, opened):
    assert take(opened(itertools.count(), workers=workers, max_queue_size=3), 20) == list(range(20))


def test_a_sequence_that_is_an_iterator_too_is_a_sequence(opened):
    class Both(Numbers):
        def __next__(self):
            raise AssertionError("its batches have numbers")

    assert [index for _, index in take(opened(Both(3), workers=2), 4)] == [0, 1, 2, 0]


def test_generator_is_not_run_far_ahead(opened):
    made = []

    def numbers():
        for number in itertools.count():
            made.append(number)
            yield number

    source = opened(numbers(), workers=1, max_queue_size=4)
    take(source, 2)
    time.sleep(0.1)
    source.close()
    assert len(made) <= 2 + 4 + 2


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1])
def test_ended_generator_says_after_how_many(workers, opened):
    source = opened(iter(range(3)), workers=workers)
    assert take(source, 3) == [0, 1, 2]
    with pytest.raises(ValueError, match="ended after 3 batches"):
        next(source)
    with pytest.raises(ValueError, match="ended after 3 batches"):
        next(source)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", [Dying, Count])
def test_errors_of_the_maker_reach_the_caller_with_their_traceback(kind, workers, opened):
    with pytest.raises(KeyError, match="row 7") as caught:
        take(opened(kind("raise"), workers=workers), 5)
    shown = "".join(traceback.format_exception(caught.value))
    assert "streamed.py" in shown and 'raise KeyError("row 7")' in shown
    assert f"had batch 2 of the {'Sequence Dying' if kind is Dying else 'generator Count'} made" in shown


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sequence_that_raises_stop_iteration(workers, opened):
    with pytest.raises(RuntimeError, match="Sequence Dying raised StopIteration for batch 2"):
        take(opened(Dying("end"), workers=workers), 5)


def test_an_exit_in_a_worker_does_not_end_the_program(opened):
    with pytest.raises(RuntimeError, match="batch 2 of the Sequence Dying was not made: SystemExit: 4"):
        take(opened(Dying("exit"), workers=1), 5)


def test_an_error_in_the_last_batch_of_a_pass(opened):
    class LastFails(Numbers):
        def __getitem__(self, index):
            return 1 // (1 - index)

    source = opened(LastFails(2), workers=2)
    assert next(source) == 1
    for expected in (ZeroDivisionError, None, ZeroDivisionError):
        if expected is None:
            assert next(source) == 1
        else:
            with pytest.raises(expected):
                next(source)


# -- waiting -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def held():
    """A generator of 0 and 1, and the event that it waits for between them; it is set afterwards."""
    release = threading.Event()

    def holding():
        yield 0
        release.wait()
        yield 1

    yield holding(), release
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("batches"):
            thread.join()


def next_when(announced, told, source):
    """The next batch of a generator that gives it when something is told."""
    announced.append(told)
    return next(source)


def test_a_slow_generator_is_announced_and_not_stopped(opened):
    announced = []

    def slowly():
        yield 0
        while not any(announced):
            time.sleep(0.01)
        yield 1

    source = opened(slowly(), workers=1, patience=Patience(warn_after=0.05))
    assert next(source) == 0
    with pytest.warns(UserWarning, match=r"batch 1 of the generator slowly: thread .* at .*\.py:\d+ in slowly") as told:
        assert next_when(announced, told, source) == 1
    assert told[0].filename == __file__


def test_a_limit_makes_a_wait_an_error_and_loses_nothing(held):
    generator, release = held
    source = stream(generator, workers=1, patience=Patience(limit=0.1))
    assert next(source) == 0
    with pytest.raises(TimeoutError, match=r"batch 1 of the generator holding.*limit is 0.1 s.*set_batch_timeout"):
        next(source)
    release.set()
    for _ in range(100):
        try:
            assert next(source) == 1
            break
        except TimeoutError:
            continue
    source.close()


def test_a_busy_crew_is_announced_as_such():
    release = threading.Event()
    source = stream(Numbers(4, delay=lambda index: release.wait() and 0), workers=1, patience=Patience(limit=0.05))
    try:
        with pytest.raises(TimeoutError, match="batch 0 of the Sequence Numbers: thread batches-0 is at"):
            next(source)
        assert source._jobs[1].progress() == "every worker is busy with an earlier batch"
    finally:
        release.set()
        source.close()


def test_the_limit_is_configured():
    config.set_batch_timeout(3)
    try:
        assert Ahead().patience == Patience(warn_after=10, limit=3)
    finally:
        config.reload()
    assert Ahead().patience.limit is None


def test_a_thread_that_hangs_is_left_with_a_warning(held):
    source = stream(held[0], patience=Patience(leave_after=0.05))
    next(source)
    with pytest.warns(UserWarning, match=r"batches-0.*did not end.*threading\.py"):
        source.close()


def test_a_hanging_thread_does_not_keep_the_program_from_ending():
    code = (
        "import time\nfrom polykeras.utils.streams import stream\n"
        "def hanging():\n    yield 0\n    time.sleep(600)\n"
        "source = stream(hanging())\nnext(source)\ntime.sleep(.1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# -- processes ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_processes():
    """What two processes gave, in three passes over five batches."""
    source = stream(Passes(5), workers=2, use_multiprocessing=True)
    try:
        return take(source, 13)
    finally:
        source.close()


def test_processes_make_batches_in_order(two_processes):
    assert [index for _, index, _ in two_processes] == [0, 1, 2, 3, 4] * 2 + [0, 1, 2]
    pids = {pid for _, _, pid in two_processes}
    assert len(pids) == 2 and os.getpid() not in pids


def test_processes_learn_what_on_epoch_end_changed(two_processes):
    assert [number for number, _, _ in two_processes] == [0] * 5 + [1] * 5 + [2] * 3


def test_arrays_come_from_processes_as_they_are(opened):
    x, y = next(opened(Rows(2), workers=1, use_multiprocessing=True))
    assert x.dtype == np.float32 and x.tolist() == [[0], [0.125], [0.25], [0.375]] and (y == 2 * x).all()
    assert x.flags.writeable and x.flags.aligned


def test_large_and_empty_arrays_come_from_processes(opened):
    batch = next(opened(Large(), workers=1, use_multiprocessing=True))
    assert [array.shape for array in batch] == [(3, 400_000), (0, 5), (2, 3)]
    assert all(array.tobytes() == expected.tobytes() for array, expected in zip(batch, Large()[0], strict=True))


def test_random_batches_do_not_depend_on_the_number_of_processes(opened):
    one = take(opened(Random(4), seed=7, workers=1, use_multiprocessing=True), 8)
    two = take(opened(Random(4), seed=7, workers=2, use_multiprocessing=True), 8)
    assert one == two
    assert len({(a, b) for _, a, b in one}) == 8  # another batch, or another pass, other numbers


@pytest.mark.parametrize(
    "how, expected, words",
    [
        ("raise", KeyError, "row 7"),
        ("own", RuntimeError, "OwnError: 7: row"),
        ("exit", RuntimeError, "SystemExit"),
        ("_exit", RuntimeError, r"pid \d+.*Sequence Dying ended with exit code 3 while it made batch 2"),
        ("kill", RuntimeError, r"killed by signal 9 \(SIGKILL\); out of memory\? while it made batch 2"),
    ],
)
def test_a_process_that_fails_or_dies(how, expected, words, opened):
    with pytest.raises(expected, match=words) as caught:
        take(opened(Dying(how), workers=1, use_multiprocessing=True), 5)
    if how in ("raise", "own"):
        assert "streamed.py" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "how, words", [("kill", "SIGKILL.*batch 2 of the generator Count"), ("end", "after 2 batches")]
)
def test_an_iterator_has_one_process(how, words, opened):
    with pytest.warns(UserWarning, match=r"may duplicate.*utils\.Sequence"):
        source = opened(Count(how), workers=2, use_multiprocessing=True)
    assert take(source, 2) == [0, 1]
    with pytest.raises((RuntimeError, ValueError), match=words):
        next(source)


def test_a_generator_that_has_not_begun_runs_in_a_process(opened):
    got = take(opened(counting(9, 1, "more", step=3, name="named"), use_multiprocessing=True), 3)
    assert [number for number, *_ in got] == [1, 4, 7] and got[0][2:] == (("more",), {"name": "named"})
    assert got[0][1] != os.getpid()


@pytest.mark.parametrize("how, words", [("_exit", "exit code 3"), ("kill", "SIGKILL"), ("raise", "row 7")])
def test_a_generator_that_dies_in_its_process(how, words, opened):
    source = opened(counting(9, how=how), use_multiprocessing=True)
    assert [number for number, *_ in take(source, 2)] == [0, 1]
    with pytest.raises((RuntimeError, KeyError), match=words):
        next(source)


def test_other_generators_cannot_be_sent_to_a_process(opened):
    def numbers():
        yield from range(3)

    with pytest.warns(UserWarning, match="generator numbers cannot be sent to a process.*made in a thread"):
        source = opened(numbers(), use_multiprocessing=True)
    assert take(source, 3) == [0, 1, 2]
    begun = counting(5)
    next(begun)
    with pytest.warns(UserWarning, match="generator counting cannot be sent.*made in a thread"):
        source = opened(begun, use_multiprocessing=True)
    assert next(source)[0] == 1


def test_a_sequence_that_cannot_be_pickled():
    with pytest.raises(TypeError, match="Sequence Unpicklable.*attribute `guard`.*use_multiprocessing=False"):
        stream(Unpicklable(inside=True), use_multiprocessing=True)


def test_a_batch_that_cannot_be_pickled(opened):
    with pytest.raises(TypeError, match=r"batch made in a process must be picklable.*lock"):
        next(opened(Unpicklable(inside=False), use_multiprocessing=True))


def test_a_sequence_whose_class_no_process_can_find(opened, monkeypatch):
    module = ModuleType("defined_in_a_notebook")
    module.Here = type("Here", (Passes,), {"__module__": module.__name__})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = opened(module.Here(3), use_multiprocessing=True)
    with pytest.raises(TypeError, match="could not make its copy of the data: ModuleNotFoundError.*notebook"):
        next(source)


def test_a_keras_script_with_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\nimport keras\nfrom keras.layers import Dense\n"
        "class Rows(keras.utils.Sequence):\n"
        "    def __len__(self): return 4\n"
        "    def __getitem__(self, index): return np.full((2, 3), index), np.ones((2, 1))\n"
        'if __name__ == "__main__":\n'
        "    model = keras.models.Sequential([Dense(1, input_shape=(3,))])\n"
        "    model.compile('sgd', 'mse')\n"
        "    history = model.fit_generator(Rows(), epochs=2, verbose=0, workers=2, use_multiprocessing=True)\n"
        "    print(len(history.epoch), model.predict_generator(Rows()).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "polykeras", "run", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("2 (8, 1)\n", "")


def test_closing_ends_a_process_that_sleeps():
    source = stream(Dying("sleep"), workers=1, use_multiprocessing=True)
    take(source, 2)
    source.close()


SCRIPT = """
import os
from polykeras.utils.streams import Ahead, stream
from tests.training.streamed import Passes
print("run", flush=True)
{0}
{1}source = stream(Passes(3), ahead=Ahead(use_multiprocessing=True))
{1}print(next(source)[2] == os.getpid())
{1}source.close()
"""


@pytest.mark.parametrize("guard, in_threads", [("", True), ("if True:", True), ("if __name__ == '__main__':", False)])
def test_a_script_is_not_run_again_by_its_processes(tmp_path, guard, in_threads):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard, "    " if guard else ""))
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    if in_threads:
        assert done.stdout.split() == ["run", "True"]
        assert "batches are made in threads" in done.stderr and f"{script}, line 7" in done.stderr
    else:
        assert done.stdout.split() == ["run", "run", "False"] and done.stderr == ""


def test_a_process_that_cannot_start(monkeypatch, opened):
    monkeypatch.setattr("multiprocessing.spawn.get_command_line", lambda **options: [sys.executable, "-c", "exit(5)"])
    with pytest.raises(RuntimeError, match="ended with exit code 5 before it had started.*__main__"):
        next(opened(Passes(3), use_multiprocessing=True))


def test_workers_end_when_the_program_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\nfrom polykeras.utils.streams import Ahead, stream\n"
        "from tests.training.streamed import Passes\n"
        'if __name__ == "__main__":\n'
        "    print(next(stream(Passes(3), ahead=Ahead(use_multiprocessing=True)))[2], flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    pid = int(done.stdout)
    for _ in range(300):
        if not alive(pid):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


@pytest.mark.parametrize("processes", [False, True])
def test_an_interrupt_while_waiting_ends_the_program(tmp_path, processes):
    script = tmp_path / "script.py"
    script.write_text(
        "import signal\nfrom polykeras.utils.streams import Ahead, stream\nfrom tests.training.streamed import Dying\n"
        'if __name__ == "__main__":\n'
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        f"    source = stream(Dying('sleep'), ahead=Ahead(use_multiprocessing={processes}))\n"
        "    try:\n        next(source), next(source)\n        print('waiting', flush=True)\n        next(source)\n"
        "    finally:\n        source.close(timeout=0.1)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout.readline() == "waiting\n"
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=30)
    assert running.returncode == -signal.SIGINT and "KeyboardInterrupt" in told
    assert ("did not end" in told) != processes  # a thread cannot be ended, a process can


def alive(pid):
    """Whether a process runs, a zombie not counted."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_is_warned_of_when_nothing_is_wrong(opened):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take(opened(Rows(3), workers=2), 7)
        take(opened(itertools.count(), workers=2), 7)
