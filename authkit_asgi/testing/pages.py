"""The pages people see: plain HTML with one style sheet inside, no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from authkit_asgi.testing.directory import Directory, EmulatedUser

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1b2e; --soft: #5f5c75; --line: #dcdae8;
  --card: #fff; --page: #f4f3fa; --accent: #5a48e0; --on-accent: #fff; --tint: #efedfd;
  --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0effa; --soft: #aba8c2; --line: #3a3750;
  --card: #1f1d2c; --page: #141320; --accent: #a99dff; --on-accent: #17142b; --tint: #2b2843;
  --bad: #ff9d94; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 1rem; padding: 1.5rem 1rem; background: var(--page);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem; padding: 2rem 1.75rem; box-shadow: 0 8px 30px rgb(30 20 90 / 8%); }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
p { margin: .25rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
strong { color: var(--ink); font-weight: 600; }
form { margin: 1.5rem 0 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem; }
button, input, select { font: inherit; color: inherit; width: 100%; border-radius: .6rem;
  border: 1px solid var(--line); background: var(--card); padding: .6rem .75rem; }
input, select { border-color: var(--soft); }
button { cursor: pointer; }
button:hover { border-color: var(--accent); background: var(--tint); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.person { display: flex; align-items: center; gap: .75rem; text-align: start; }
.person > span { min-width: 0; overflow-wrap: anywhere; }
.initials { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; display: grid;
  place-items: center; background: var(--tint); color: var(--accent); font-weight: 600; }
small { display: block; color: var(--soft); font-size: .875rem; line-height: 1.4; }
label { display: block; margin: .9rem 0 .3rem; font-weight: 500; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent);
  font-weight: 600; margin-top: 1.25rem; }
.primary:hover { background: var(--accent); filter: brightness(1.08); }
.quiet { border-color: transparent; background: none; color: var(--soft); margin-top: .25rem; }
nav { margin-top: 1.25rem; text-align: center; }
a { color: var(--accent); }
details { margin-top: 1.25rem; border-top: 1px solid var(--line); padding-top: 1rem; }
summary { cursor: pointer; color: var(--soft); }
details form { margin: 0; }
[role=alert] { color: var(--bad); margin-top: 1rem; font-weight: 500; }
pre { margin: 1rem 0 0; padding: .9rem; border-radius: .6rem; background: var(--tint);
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
footer { color: var(--soft); font-size: .875rem; text-align: center; max-width: 26rem; }
"""


def sign_in(
    *, application: str, query_string: str, directory: Directory, problem: str | None
) -> str:
    """Return the page on which people choose who they are."""
    users = tuple(directory.users.values())
    people = "".join(_person(user, directory) for user in users)
    return _document(
        "Sign in",
        f"{_heading('Sign in', application, problem)}"
        f'<form method="post" aria-label="Sign in as"><ul>{people}</ul>{_cancel()}</form>'
        f'<nav aria-label="Other ways"><a href="{_with_hint(query_string, "sign-up")}">'
        f"Create an account</a></nav>{_impersonation(users)}",
    )


def sign_up(
    *, application: str, query_string: str, values: Mapping[str, str], problem: str | None
) -> str:
    """Return the page on which people make a new user; `values` are those entered so far."""

    def field(label: str, name: str, attributes: str) -> str:
        value = escape(values.get(name, ""))
        return (
            f'<label for="{name}">{label}</label>'
            f'<input id="{name}" name="{name}" value="{value}" {attributes}>'
        )

    return _document(
        "Create your account",
        f"{_heading('Create your account', application, problem)}"
        '<form method="post">'
        f"{field('Email', 'email', 'type=email required autocomplete=email')}"
        f"{field('First name', 'first_name', 'autocomplete=given-name')}"
        f"{field('Last name', 'last_name', 'autocomplete=family-name')}"
        '<button class="primary" name="action" value="sign-up">Create account</button></form>'
        '<nav aria-label="Other ways">Have an account? '
        f'<a href="{_with_hint(query_string, "sign-in")}">Sign in</a></nav>',
    )


def message(title: str, text: str) -> str:
    """Return a page that says one thing."""
    return _document(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>")


def home(base_url: str, client_id: str) -> str:
    """Return the page that says how to point an application here."""
    settings = f"WORKOS_BASE_URL={base_url}\nWORKOS_CLIENT_ID={client_id}"
    return _document(
        "WorkOS emulator",
        "<h1>WorkOS emulator</h1><p>It is running. Point your application here:</p>"
        f"<pre>{escape(settings)}</pre>",
    )


def _document(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{content}</main>"
        "<footer>For development: no passwords, and nothing is kept.</footer>"
        "</body></html>"
    )


def _heading(title: str, application: str, problem: str | None) -> str:
    alert = "" if problem is None else f'<p role="alert">{escape(problem)}</p>'
    return (
        f"<h1>{escape(title)}</h1>"
        f"<p>to continue to <strong>{escape(application)}</strong></p>{alert}"
    )


def _person(user: EmulatedUser, directory: Directory) -> str:
    names = (
        f"{directory.organizations[m.organization_id].name} ({m.role})"
        for m in directory.memberships_of(user.id)
    )
    organizations = escape(", ".join(names))
    name = user.name or user.email
    initials = "".join(part[0] for part in (user.first_name, user.last_name) if part)
    return (
        f'<li><button class="person" name="user_id" value="{escape(user.id)}">'
        f'<span class="initials" aria-hidden="true">{escape(initials or name[0].upper())}</span>'
        f"<span><strong>{escape(name)}</strong><small>{escape(user.email)}</small>"
        f"<small>{organizations}</small></span></button></li>"
    )


def _cancel() -> str:
    return '<button class="quiet" name="action" value="deny">Cancel</button>'


def _impersonation(users: tuple[EmulatedUser, ...]) -> str:
    options = "".join(
        f'<option value="{escape(user.id)}">{escape(user.name or user.email)}</option>'
        for user in users
    )
    return (
        "<details><summary>Impersonate somebody</summary>"
        '<form method="post" aria-label="Impersonate">'
        f'<label for="target">User</label><select id="target" name="user_id">{options}</select>'
        '<label for="by">Your email</label><input id="by" name="email" type="email" '
        'value="support@example.com">'
        '<label for="reason">Reason</label><input id="reason" name="reason">'
        '<button class="primary" name="action" value="impersonate">Impersonate</button>'
        "</form></details>"
    )


def _with_hint(query_string: str, hint: str) -> str:
    """Return a link to this page with another screen; the other parameters stay as they are."""
    kept = (part for part in query_string.split("&") if not part.startswith("screen_hint="))
    return escape(f"?{'&'.join(kept)}&{urlencode({'screen_hint': hint})}")
