"""/callback with hostile queries: repeated, look-alike, encoded, spoilt and huge parameters."""

from __future__ import annotations

import itertools
from urllib.parse import quote, unquote_to_bytes

import pytest
from asgi_driver import Answer, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, sign_in, site
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

JSON = [("accept", "application/json")]
ISSUER = "https://api.workos.com/user_management/client_emulator"


def exchanges(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate")


def pending(browser: Browser) -> list[str]:
    return [name for name in browser.cookies if name.startswith(VERIFIER)]


async def callback_of(browser: Browser, emulator: WorkOSEmulator) -> dict[str, str]:
    return query_of(await begin(browser, emulator))


def assert_nobody(browser: Browser, emulator: WorkOSEmulator, answer: Answer) -> None:
    assert SESSION not in answer.set_cookies
    assert SESSION not in browser.cookies
    assert exchanges(emulator) == 0


TWICE = ("{0}={1}&{0}={1}", "{0}={1}&{0}=x", "{0}=x&{0}={1}", "{0}={1}&{0}", "{0}=&{0}={1}",
         "{0}={1}&{2}={1}", "{2}=x&{0}={1}")  # fmt: skip
SINGLE = ("code", "state", "iss", "error")


@pytest.mark.parametrize("form", TWICE)
@pytest.mark.parametrize(
    "names", [n for size in range(1, 5) for n in itertools.combinations(SINGLE, size)], ids="-".join
)
async def test_repeated_parameters_of_any_combination_end_the_sign_in(emulator, names, form):
    browser = Browser(site(emulator, issuers=[ISSUER]))
    query = {**await callback_of(browser, emulator), "iss": ISSUER, "error": "access_denied"}
    sent = {name: query[name] for name in SINGLE if name in names or name in {"code", "state"}}
    parts = [
        form.format(name, quote(value), f"%{ord(name[0]):02X}{name[1:]}")
        if name in names
        else f"{name}={quote(value)}"
        for name, value in sent.items()
    ]
    answer = await browser.get(f"/callback?{'&'.join(parts)}", JSON)
    assert (answer.status, answer.json["code"]) == (400, "callback_rejected")
    assert_nobody(browser, emulator, answer)
    assert pending(browser) == []


LOOKALIKES = ["{}[]", "{}[0]", "{}%5B%5D", "{}%00", "{}+", "+{}", "%20{}", "{}.", "{}%0A", "{};",
              "amp;{}", "x{}", "{}%EF%BB%BF", "%EF%BB%BF{}", "{}%FF", "%25{}"]  # fmt: skip


@pytest.mark.parametrize("form", [*LOOKALIKES, "upper"])
@pytest.mark.parametrize("name", ["code", "state"])
async def test_name_that_only_looks_like_a_parameters_is_not_it(browser, emulator, name, form):
    other = name.upper() if form == "upper" else form.format(name)
    query = await callback_of(browser, emulator)
    rest = "&".join(f"{key}={value}" for key, value in query.items() if key != name)
    instead = await browser.get(f"/callback?{rest}&{other}={query[name]}", [])
    # Without `state` a browser is sent to sign in anew; without `code` there is nothing to do.
    assert instead.status == (303 if name == "state" else 400)
    assert_nobody(browser, emulator, instead)
    query = await callback_of(browser, emulator)
    both = "&".join(f"{key}={value}" for key, value in query.items())
    assert (await browser.get(f"/callback?{both}&{other}=x")).status == 303
    assert SESSION in browser.cookies


async def test_encoded_names_and_values_are_what_they_stand_for(browser, emulator):
    query = await callback_of(browser, emulator)
    encoded = "".join(f"%{octet:02x}" for octet in query["state"].encode())
    answer = await browser.get(f"/callback?%73tate={encoded}&c%6Fde={query['code']}")
    assert (answer.status, SESSION in browser.cookies) == (303, True)


@pytest.mark.parametrize("form", ["code={code};state={state}", "state={state};code={code}",
                                  "code={code}&amp;state={state}", "code={code}%26state={state}",
                                  "state={state}%26code={code}"])  # fmt: skip
async def test_ampersand_alone_separates_parameters(browser, emulator, form):
    query = await callback_of(browser, emulator)
    answer = await browser.get(f"/callback?{form.format(**query)}", [])
    assert answer.status in {303, 400}
    assert answer.status == 400 or "/user_management/authorize?" in answer.location
    assert_nobody(browser, emulator, answer)


STATES = {
    "line feed after": lambda state: state + "%0A",
    "line ends after": lambda state: state + "%0D%0A",
    "NUL after": lambda state: state + "%00",
    "blank after": lambda state: state + "%20",
    "plus after": lambda state: state + "+",
    "blank before": lambda state: "%20" + state,
    "quoted": lambda state: f"%22{state}%22",
    "upper case": str.upper,
    "lower case": str.lower,
    "case swapped": str.swapcase,
    "cut short": lambda state: state[:-1],
    "doubled": lambda state: state + state,
    "padded": lambda state: state + "=",
    "without its version": lambda state: state.removesuffix("~2"),
    "another version": lambda state: state.removesuffix("~2") + "~1",
    "encoded twice": lambda state: state.replace("*", "%252A"),
    "encoded thrice": lambda state: state.replace("*", "%25252A"),
    "stars of full width": lambda state: state.replace("*", quote("＊")),  # noqa: RUF001
    "invalid UTF-8 after": lambda state: state + "%FF",
    "overlong UTF-8": lambda state: state.replace("*", "%C0%AA"),
    "surrogate after": lambda state: state + "%ED%A0%80",
    "raw octet after": lambda state: state + "\xff",
    "the cookie's attribute after": lambda state: state + "%3B%20Path=/",
    "100 KB after": lambda state: state + "x" * 100_000,
}


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("spoil", STATES.values(), ids=STATES)
async def test_state_that_differs_in_an_octet_is_not_the_cookies(
    browser, emulator, spoil, signed_in
):
    if signed_in:
        await sign_in(browser, emulator, user="bob")
    before = (browser.cookies.get(SESSION), exchanges(emulator))
    query = await callback_of(browser, emulator)
    answer = await browser.get(f"/callback?code={query['code']}&state={spoil(query['state'])}", [])
    if answer.status == 303:  # authentic all the same, which a reloaded callback is too
        assert (signed_in, answer.location, answer.set_cookies) == (True, "/", {})
    else:
        assert (answer.status, SESSION in answer.set_cookies) == (400, False)
    assert (browser.cookies.get(SESSION), exchanges(emulator)) == before
    done = await browser.get(f"/callback?code={query['code']}&state={query['state']}")
    assert (done.status, exchanges(emulator)) == (303, before[1] + 1)


@pytest.mark.parametrize("name", ["code", "state", "iss", "error", "error_description", "x"])
@pytest.mark.parametrize("value", ["x" * 100_000, "%00" * 30_000, "%F0%9F%98%80" * 8_000])
async def test_huge_values_are_answered_with_a_small_page(browser, emulator, name, value):
    query = {**await callback_of(browser, emulator), name: value}
    answer = await browser.get(f"/callback?{'&'.join(f'{k}={v}' for k, v in query.items())}")
    ends_well = name in {"iss", "error_description", "x"}
    assert answer.status == (303 if ends_well else 400)
    assert len(answer.body) < 5_000
    assert all(len(line) < 5_000 for _, line in answer.start["headers"])
    assert (SESSION in browser.cookies) == ends_well


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"])
async def test_other_methods_than_get_finish_nothing(browser, emulator, method):
    query = await callback_of(browser, emulator)
    target = f"/callback?code={query['code']}&state={query['state']}"
    answer = await browser.request(method, target)
    assert (answer.status, answer.set_cookies, exchanges(emulator)) == (405, {}, 0)
    assert (await browser.get(target)).status == 303


@pytest.mark.parametrize("signed_in", [False, True])
async def test_head_finishes_nothing_and_spends_no_verifier(browser, emulator, signed_in):
    if signed_in:
        await sign_in(browser, emulator, user="bob")
    before = exchanges(emulator)
    query = await callback_of(browser, emulator)
    target = f"/callback?code={query['code']}&state={query['state']}"
    for also in ("", "&error=x", "&state=y"):
        answer = await browser.request("HEAD", target + also)
        assert (answer.status, answer.set_cookies, answer.body) == (204, {}, b"")
    assert exchanges(emulator) == before
    assert (await browser.get(target)).status == 303


def decoded(query: str) -> list[tuple[str, str]]:
    """Read a query as forms are (WHATWG URL, 5.1)."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    texts = [
        tuple(unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace") for text in pair)
        for pair in pairs
    ]
    return [(name, value) for name, _, value in texts]


parts = st.lists(
    st.sampled_from(
        ["state={state}", "code={code}", "state={state}", "code={code}", "%73tate={state}",
         "state=", "state", "code=", "code=x", "state=x", "error=x", "error", "iss=x", "iss=", "&",
         "code[]=x", "state;=x", "x=%FF", "x=+", "=", "%", "error_description=<b>", "code%00=x"]
    ),
    max_size=5,
)  # fmt: skip


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts, st.booleans())
async def test_any_query_signs_in_only_with_one_code_and_one_state_and_nothing_amiss(
    emulator, pieces, shuffled
):
    browser = Browser(site(emulator))
    genuine = await callback_of(browser, emulator)
    ends = ["code={code}", "state={state}"] if shuffled else []
    query = "&".join([*pieces, *ends]).format(**genuine)
    answer = await browser.get(f"/callback?{query}", [])
    found = decoded(query)
    names = [name for name, _ in found]
    sound = (
        {"code", "state"} <= set(names)
        and all(names.count(name) <= 1 for name in SINGLE)
        and "error" not in names
        and dict(found)["state"] == genuine["state"]
        and dict(found)["code"] == genuine["code"]
    )
    assert (SESSION in browser.cookies) == sound
    assert answer.status in ({303} if sound else {303, 400})
