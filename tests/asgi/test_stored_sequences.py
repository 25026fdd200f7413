"""Any sequence of changes to a site keeps its user signed in, and the jar tidy."""

from __future__ import annotations

import asyncio
import functools
import random
import string

from asgi_driver import NAVIGATION, Answer, drive, http_scope
from asgi_site import SESSION, sign_in
from emulated import ORIGIN, PASSWORD, Clock
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from jar_browser import JarBrowser
from joserfc.jwk import RSAKey
from stored_site import Store, cookie_of, shop

from authkit_asgi.outcomes import KNOWN_SECONDS, LIFETIME
from authkit_asgi.refresh import InProcessRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys

PLACES = ("cookie", "a", "b")
MAX_CHANGES = 9  # of the password: ten are read


@functools.cache
def keys() -> tuple[RSAKey, ...]:
    return (SigningKeys().current,)


class AnySequence(RuleBasedStateMachine):
    """A browser, a site that is deployed anew with other settings, and time that goes by.

    The coordinator stands for the Redis that deployments have in common, and WorkOS ends a session
    whose refresh token comes twice.
    """

    @initialize(rotates=st.booleans(), place=st.sampled_from(PLACES))
    def begin(self, *, rotates: bool, place: str) -> None:
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.emulator = WorkOSEmulator(clock=self.clock)
        self.emulator._state.keys._keys = keys()
        self.emulator.configure(reuse_revokes_session=True, rotate_session_id=rotates)
        self.emulator.add_user(email="ada@example.com", user_id="user_ada")
        for organization in ("acme", "globex"):
            self.emulator.add_organization(organization, organization_id=f"org_{organization}")
            self.emulator.add_membership("user_ada", f"org_{organization}")
        self.coordinator = InProcessRefreshCoordinator(timeout=5, clock=self.clock)
        self.stores = {"a": Store(self.clock), "b": Store(self.clock)}
        self.place, self.last = place, None if place == "cookie" else place
        self.before: str | None = None
        self.passwords, self.changes = [PASSWORD], 0
        self.browser = JarBrowser(None)
        self._deploy()
        self._sign_in()

    def _deploy(self) -> None:
        store = self.stores.get(self.place)
        self.browser.app = shop(
            self.emulator,
            store,
            previous_store=self.stores.get(self.before or ""),
            coordinator=self.coordinator,
            cookie_password=self.passwords,
        )

    def _leave(self) -> None:
        """See to it that at most one change of settings lies between a cookie and its reader."""
        if not self.is_settled_here:
            self.settle()
        self.clock.now += 1
        self.is_settled_here = False

    def _sign_in(self) -> None:
        answer = self.runner.run(sign_in(self.browser, self.emulator))
        assert answer.status == 303
        self._forget_older_jar()
        self.is_settled_here = True

    def _forget_older_jar(self) -> None:
        self.older: tuple[str, float] | None = None
        self.unsettled_since: float | None = None

    def _request(self, method: str, target: str, jar: str | None = None, **ends: bool) -> Answer:
        line = jar or self.browser.jar.header(ORIGIN)
        headers = [*NAVIGATION, ("origin", ORIGIN), ("cookie", line)]
        scope = http_scope(method, target, headers)
        answer = self.runner.run(drive(self.browser.app, scope))
        if ends.get("is_lost"):
            if self.unsettled_since is None:
                self.unsettled_since = self.clock.now
        else:
            self.browser._keep(answer)
        return answer

    def _visit(self, jar: str | None = None, **ends: bool) -> None:
        answer = self._request("GET", "/who", jar, **ends)
        assert answer.json["user"] == "user_ada", answer.json

    @rule()
    def settle(self) -> None:
        """Have the browser receive the newest of what became of its session."""
        assert self._request("POST", "/refresh").status == 200
        self._visit()
        self._forget_older_jar()
        self.is_settled_here = True
        assert holds_id(self.browser) == (self.place != "cookie")

    @rule(is_lost=st.booleans())
    def visit(self, *, is_lost: bool) -> None:
        self._visit(is_lost=is_lost)

    @rule(is_lost=st.booleans())
    def refresh(self, *, is_lost: bool) -> None:
        assert self._request("POST", "/refresh", is_lost=is_lost).status == 200

    @rule(organization=st.sampled_from(["acme", "globex"]), is_lost=st.booleans())
    def switch(self, organization: str, *, is_lost: bool) -> None:
        answer = self._request("POST", f"/switch?to=org_{organization}", is_lost=is_lost)
        assert answer.json == {"user": "user_ada", "organization": f"org_{organization}"}

    @rule(size=st.sampled_from([0, 500, 1500, 2500]), seed=st.integers(0, 9))
    def resize(self, size: int, seed: int) -> None:
        letters = random.Random(seed).choices(string.ascii_letters, k=size)  # noqa: S311
        self.emulator.update_user("user_ada", metadata={"notes": "".join(letters)})

    @rule(seconds=st.sampled_from([1, 10, 250, 400, 4000]))
    def turn_the_clock(self, seconds: int) -> None:
        since = self.unsettled_since
        if since is not None and self.clock.now + seconds - since >= LIFETIME:
            return  # what was lost so long ago is lost
        self.clock.now += seconds
        if self.older is not None and self.clock.now - self.older[1] >= KNOWN_SECONDS:
            self.older = None

    @rule()
    def keep_the_jar(self) -> None:
        self.older = (self.browser.jar.header(ORIGIN) or "", self.clock.now)

    @precondition(lambda self: getattr(self, "older", None))
    @rule()
    def visit_from_a_second_tab(self) -> None:
        self._visit(self.older[0])

    @rule(step=st.sampled_from([1, 2]), seconds=st.sampled_from([1, 400]))
    def move_on(self, step: int, seconds: int) -> None:
        self._move(step, seconds)

    @rule(steps=st.lists(st.sampled_from([1, 2]), min_size=2, max_size=4))
    def move_again_and_again(self, steps: list[int]) -> None:
        for step in steps:
            self._move(step, 400)

    def _move(self, step: int, seconds: int) -> None:
        place = PLACES[(PLACES.index(self.place) + step) % len(PLACES)]
        self._leave()
        self.turn_the_clock(seconds)
        self.before = self.last
        if place != "cookie":
            self.last = place
        if self.before == place:
            self.before = None
        self.place = place
        self._deploy()

    @precondition(lambda self: getattr(self, "changes", 0) < MAX_CHANGES)
    @rule()
    def change_the_password(self) -> None:
        self._leave()
        self.changes += 1
        self.passwords = [f"{self.changes} {PASSWORD}", *self.passwords]
        self._deploy()

    @rule()
    def sign_in_again(self) -> None:
        self._sign_in()

    @invariant()
    def jar_is_tidy(self) -> None:
        names = sorted(name for name in self.browser.names() if not name.endswith("deleted"))
        assert names in ([SESSION], [f"{SESSION}.0", f"{SESSION}.1"]), names

    @invariant()
    def no_token_was_sent_twice(self) -> None:
        refused = self.emulator.count("authenticate") - self.emulator.count(
            "authenticate", status=200
        )
        assert refused == 0

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()


def holds_id(browser: JarBrowser) -> bool:
    return browser.names() == [SESSION] and len(cookie_of(browser)) < 400


def test_any_sequence_of_changes_keeps_the_user_signed_in_and_the_jar_tidy():
    # Making a sequence shorter that fails would take minutes: put Phase.shrink here for that.
    phases = [Phase.reuse, Phase.generate]
    steady = settings(max_examples=30, stateful_step_count=30, phases=phases)
    run_state_machine_as_test(AnySequence, settings=steady)
