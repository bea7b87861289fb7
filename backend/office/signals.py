"""Who is called when something happens: built before those who call and those who are called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, ParamSpec

from backend.domain.acts import Plan

P = ParamSpec("P")


class Listeners(Generic[P]):
    """Whom one kind of event calls, in the order they joined; nobody is awaited. Called as a function."""

    def __init__(self) -> None:
        self._listeners: list[Callable[P, object]] = []

    def add(self, *listeners: Callable[P, object]) -> None:
        """Call these too, from now on."""
        self._listeners += listeners

    def __call__(self, *args: P.args, **facts: P.kwargs) -> None:
        for listener in self._listeners:
            listener(*args, **facts)


class Wakeups:
    """What wakes each worker of this process, by its name. Waking one that is not here does nothing."""

    def __init__(self) -> None:
        self._by_name: dict[str, Listeners[[]]] = {}

    def add(self, name: str, wake: Callable[[], object]) -> None:
        """Call `wake` when the worker of this name is woken."""
        self._by_name.setdefault(name, Listeners()).add(wake)

    def wake(self, *names: str) -> None:
        """Wake the named workers (all if none is named): there may be something to do."""
        for name in names or self._by_name:
            if name in self._by_name:
                self._by_name[name]()


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of one process."""

    wakeups: Wakeups = field(default_factory=Wakeups)
    #: a plan is durable: the plan and the ticket's number
    moved: Listeners[[Plan, str]] = field(default_factory=Listeners)
    #: administrators should know: a `TellAlarm`
    alarms: Listeners[...] = field(default_factory=Listeners)
    #: what was impossible is possible again, or time stepped back: whoever waits for a later try tries now
    serving_again: Listeners[[]] = field(default_factory=Listeners)
