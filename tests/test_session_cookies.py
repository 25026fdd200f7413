"""The session's cookies: chunks put together, and what of them a response writes and deletes."""

from __future__ import annotations

import itertools
import re

import pytest
from emulated import ORIGIN, PASSWORD, settings
from hypothesis import example, given
from hypothesis import strategies as st
from user_agent import Jar

from authkit_asgi import session_cookies
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter, SetCookie
from authkit_asgi.errors import ResponseStartedError, SessionTooLargeError
from authkit_asgi.seal import seal
from authkit_asgi.session_cookies import NONE_SENT, SentCookies, SessionCookies, sent_cookies

NAME = "wos-session"
SEAL = seal("x", PASSWORD)
DOMAIN = {"cookie_domain": "example.com"}


def writer(**changes) -> CookieWriter:
    return CookieWriter(AuthKitConfig(**settings(**changes)))


def sealed(size: int, letter: str = "x") -> str:
    """Return a seal of some more characters than `size`."""
    return seal(letter * (size * 3 // 4 - 250), PASSWORD)


def sent(*cookies: str) -> SentCookies:
    return sent_cookies([(b"cookie", "; ".join(cookies).encode("latin-1"))], NAME.encode())


def pairs(lines: list[SetCookie]) -> dict[str, str]:
    """Return the cookies that lines set, by name."""
    found = [line.line.decode().partition(";")[0].partition("=") for line in lines]
    return {name: value for name, _, value in found}


def chunks(value: str, *cuts: int) -> list[str]:
    """Return cookies that hold a value cut at places."""
    places = [0, *cuts, len(value)]
    parts = [value[start:end] for start, end in itertools.pairwise(places)]
    return [f"{NAME}.{index}={part}" for index, part in enumerate(parts)]


@given(
    st.integers(600, 12_000),
    st.sampled_from([NAME, "s", "a-much-longer-cookie-name"]),
    st.sampled_from([{}, DOMAIN, {"cookie_same_site": "strict"}]),
)
def test_session_of_any_size_comes_back_through_a_browser(size, name, changes):
    value = sealed(size)
    lines = writer(cookie_name=name, max_session_cookie_bytes=16_384, **changes).session(value)
    assert all(len(key) + len(part) <= 4096 for key, part in pairs(lines).items())
    assert (len(lines) == 1) is (len(name) + len(value) <= 4096)
    jar = Jar()
    assert all(jar.set(line.line.decode(), ORIGIN) for line in lines)
    found = sent_cookies([(b"cookie", jar.header(ORIGIN).encode())], name.encode())
    assert found.values == (value,)
    assert bool(found.chunks) is (len(lines) > 1)


def test_what_fits_into_one_cookie_is_written_as_one():
    value = "x" * (4096 - len(NAME))
    assert pairs(writer().session(value)) == {NAME: value}
    first = "x" * (4096 - len(f"{NAME}.0"))
    assert pairs(writer().session(value + "yyy")) == {f"{NAME}.0": first, f"{NAME}.1": "xxyyy"}


@pytest.mark.parametrize(("limit", "size"), [(7168, 7142), (8000, 7974), (16_384, 16_332)])
def test_chunks_stay_within_their_limit_to_the_octet(limit, size):
    cookies = writer(max_session_cookie_bytes=limit)
    lines = pairs(cookies.session("x" * size))
    assert sum(len(name) + len(value) for name, value in lines.items()) == limit
    assert cookies.fits("x" * size)
    assert not cookies.fits("x" * (size + 1))
    with pytest.raises(SessionTooLargeError, match=str(limit)):
        cookies.session("x" * (size + 1))


def test_chunks_have_the_attributes_of_the_cookie():
    one, two = writer(**DOMAIN).session(sealed(5000))
    end = "; Path=/; Domain=example.com; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"
    assert re.fullmatch(rf"{NAME}\.0=[^;]+{end}", one.line.decode())
    assert re.fullmatch(rf"{NAME}\.1=[^;]+{end}", two.line.decode())
    gone = [line.line.decode() for line in writer(**DOMAIN).expire_chunks({1, 0})]
    end = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax"
    assert gone == [
        f"{NAME}.0=; Path=/; Domain=example.com{end}",
        f"{NAME}.0=; Path=/{end}",
        f"{NAME}.1=; Path=/; Domain=example.com{end}",
        f"{NAME}.1=; Path=/{end}",
    ]


V, W = sealed(5000), sealed(5000, "w")


@pytest.mark.parametrize(
    ("cookies", "values"),
    [
        ([], ()),
        (chunks(V, 4000), (V,)),
        (chunks(V), (V,)),
        (chunks(V, 9, 99, 999, 1111, 2222, 3333, 4444, 4500, 4600), (V,)),
        (chunks(V, 9, 99, 999, 1111, 2222, 3333, 4444, 4500, 4600, 4700), ()),
        (chunks(V, 4000)[::-1], (V,)),
        ([*chunks(V, 4000), f"{NAME}.2=left-over"], (V,)),
        ([*chunks(V, 4000), f"{NAME}.7=left-over"], (V,)),
        ([*chunks(V, 4000), *chunks(V, 4000)], (V,)),
        ([f"{NAME}=plain", *chunks(V, 4000)], (V, "plain")),
        ([*chunks(V, 4000), f"{NAME}=plain"], (V, "plain")),
        (chunks(V, 4000)[:1], ()),
        (chunks(V, 4000)[1:], ()),
        (chunks(V, 4000, 4500)[::2], ()),
        ([chunks(V, 4000)[0], chunks(W, 4000)[1][:-1]], ()),
        ([chunks(V, 4000)[0], chunks(V, 4000)[1][:-50]], ()),
        ([f"{NAME}.0={V[:4000]}", f"{NAME}.01={V[4000:]}"], ()),
        ([f"{NAME}.0={V[:4000]}", f"{NAME}.\xb9={V[4000:]}"], ()),
        ([f"{NAME}.0={V[:4000]}", f"{NAME}.-1={V[4000:]}"], ()),
        ([f"{NAME}.0={V[:4000]}", f"{NAME}1={V[4000:]}"], ()),
        ([f"x{NAME}.0={V}", f"{NAME}x.0={V}", f"{NAME.upper()}.0={V}", f"{NAME}.={V}"], ()),
        ([f"{NAME}.0={V[:4000]}\xfc", f"{NAME}.1={V[4000:]}"], ()),
        ([f"{NAME}.0=" + "x" * 60_000, f"{NAME}.1=" + "x" * 60_000], ()),
        ([f'{NAME}.0="{V[:4000]}"', f'{NAME}.1="{V[4000:]}"'], (V,)),
    ],
)
def test_values_are_those_of_complete_sequences(cookies, values):
    assert sent(*cookies).values == values


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_chunks_of_two_sessions_in_any_order_are_each_found(order):
    both = [*chunks(V, 4000), *chunks(W, 4000)]
    values = sent(f"{NAME}=plain", *(both[place] for place in order)).values
    assert {"plain", V, W} < {*values}
    assert len(values) == 5  # the seal's MAC says which are whole


def test_sessions_of_two_and_of_three_chunks_beside_each_other_are_each_found():
    assert {V, W} < {*sent(*chunks(V, 4000), *chunks(W, 2000, 4000)).values}


def test_copies_of_a_cookie_are_one():
    cookies = [f"{NAME}.{index}={V[index::10]}" for index in range(10) for _ in range(400)]
    assert not sent(*cookies[:800]).is_crowded
    assert sent(*[f"{NAME}={V}"] * 400).values == (V,)


@pytest.mark.parametrize(
    ("cookies", "is_crowded"),
    [
        ([f"{NAME}={index}" for index in range(8)], False),
        ([f"{NAME}={index}" for index in range(9)], True),
        ([f"{NAME}.{index}={letter}" for index in range(4) for letter in "xy"], False),
        ([f"{NAME}.{index}={letter}" for index in range(5) for letter in "xy"], True),
        ([f"{NAME}.0={index}" for index in range(17)], True),
        ([f"{NAME}.0={sealed(600, 'x' if index else 'y')}" for index in range(16)], False),
        (chunks(V, 4000) * 2 + chunks(W, 4000), False),
    ],
)
def test_more_cookies_than_are_looked_at_are_told(cookies, is_crowded):
    found = sent(*cookies)
    assert found.is_crowded is is_crowded
    assert len(found.values) <= 16 + 8


@given(st.lists(st.tuples(st.sampled_from(["", ".0", ".1", ".2", ".9", ".x"]), st.binary())))
def test_any_octets_are_read_without_an_exception(cookies):
    line = b"; ".join(NAME.encode() + name.encode() + b"=" + value for name, value in cookies)
    found = sent_cookies([(b"cookie", line)], NAME.encode())
    assert len(found.values) <= 16 + 8


def test_request_without_session_cookies_is_the_same_for_all():
    assert sent("theme=dark") is sent(f"x{NAME}=1") is NONE_SENT
    assert sent_cookies([], NAME.encode()) is NONE_SENT


def test_values_stay_out_of_the_repr():
    assert "plain" not in repr(sent(f"{NAME}=plain", *chunks(V, 4000)))
    assert V[:40] not in repr(sent(*chunks(V, 4000)))


def changed(*cookies: str, **changes) -> SessionCookies:
    return SessionCookies(writer(**changes), sent(*cookies))


@pytest.mark.parametrize(
    ("cookies", "size", "written", "deleted"),
    [
        ([], 600, {NAME}, set()),
        ([], 5000, {f"{NAME}.0", f"{NAME}.1"}, set()),
        ([f"{NAME}=x"], 600, {NAME}, set()),
        ([f"{NAME}=x"], 5000, {f"{NAME}.0", f"{NAME}.1"}, {NAME}),
        ([f"{NAME}.0=x", f"{NAME}.1=x", f"{NAME}.3=x"], 600, {NAME},
         {f"{NAME}.0", f"{NAME}.1", f"{NAME}.3"}),
        ([f"{NAME}=x", f"{NAME}.1=x", f"{NAME}.2=x"], 5000, {f"{NAME}.0", f"{NAME}.1"},
         {NAME, f"{NAME}.2"}),
    ],
)  # fmt: skip
def test_stored_session_leaves_nothing_of_the_one_before(cookies, size, written, deleted):
    response = changed(*cookies)
    response.store(sealed(size))
    lines = pairs(response.close())
    assert {name for name, value in lines.items() if value} == written
    assert {name for name, value in lines.items() if not value} == deleted


def test_session_that_is_too_large_leaves_what_was_to_be_written():
    response = changed(f"{NAME}=x")
    response.store(V)
    with pytest.raises(SessionTooLargeError):
        response.store("x" * 8000)
    assert pairs(response.close())[f"{NAME}.1"] == V[4083:]


def test_later_change_takes_the_place_of_an_earlier_one():
    response = changed(f"{NAME}=x", f"{NAME}.5=x")
    response.store(V)
    response.store("small")
    assert pairs(response.close()) == {NAME: "small", f"{NAME}.5": ""}
    response = changed(f"{NAME}=x", f"{NAME}.5=x")
    response.store(V)
    response.delete()
    assert pairs(response.close()) == dict.fromkeys([NAME, *(f"{NAME}.{n}" for n in (0, 1, 5))], "")
    response = changed(f"{NAME}=x", f"{NAME}.5=x")
    response.store(V)
    assert response.change_session
    response.leave()
    assert not response.change_session
    assert response.close() == []


def test_nothing_is_changed_once_the_headers_are_sent():
    response = changed(f"{NAME}=x")
    response.store(V)
    lines = response.close()
    for change in (lambda: response.store("s"), response.delete):
        with pytest.raises(ResponseStartedError):
            change()
    assert response.close() == lines


STRICT = {"cookie_same_site": "strict"}


@pytest.mark.parametrize(
    ("cookies", "changes", "size", "deleted"),
    [
        ([], {}, 600, []),
        ([], DOMAIN, 600, [(NAME, None), (f"{NAME}.0", None)]),
        (chunks(V, 4000), DOMAIN, 600, [(NAME, None)]),
        ([], STRICT, 600, [(f"{NAME}.0", None)]),
        ([], STRICT, 5000, [(NAME, None)]),
        ([], STRICT | DOMAIN, 600,
         [(NAME, None), (f"{NAME}.0", None), (f"{NAME}.0", "example.com")]),
    ],
)  # fmt: skip
def test_new_session_makes_room_for_itself(cookies, changes, size, deleted):
    response = changed(*cookies, **changes)
    response.store(sealed(size))
    stored = changed(*cookies, **changes)
    stored.store(sealed(size))
    response.make_room()
    before = [line.key for line in stored.close()]
    lines = [line for line in response.close() if line.key not in before]
    assert [line.key for line in lines] == deleted
    assert all(b"Max-Age=0" in line.line for line in lines)


@given(
    st.dictionaries(
        st.integers(0, 9),
        st.lists(
            st.sampled_from(["x", "~2", SEAL[:40], SEAL[40:], SEAL, "~1"]), min_size=1, max_size=2
        ),
        min_size=1,
        max_size=4,
    )
)
@example({0: [SEAL[:40]], 1: [SEAL[40:]]})
@example({0: [SEAL[:40]], 1: [SEAL[40:-2]]})
@example({0: ["~2"]})
@example({0: [SEAL], 1: ["x"]})
@example({0: [SEAL[:40]], 2: [SEAL[40:]]})
@example({0: [SEAL[:40]], 1: [SEAL[40:-2], SEAL[40:]]})
def test_chunks_as_browsers_send_them_are_joined_as_all_others_are(chunks):
    assert session_cookies._join(chunks) == session_cookies._combined(chunks)
