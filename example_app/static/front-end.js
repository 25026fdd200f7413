"use strict";

// Who is signed in is for /session to say, which holds no token. What nobody may have the API
// refuses; a 401 from it means that the session is over, and signing in leads back to this page.
const part = (id) => document.getElementById(id);
const signIn = () => `/login?${new URLSearchParams({ return_to: location.pathname + location.search })}`;

async function show() {
  const response = await fetch("/session").catch(() => null);
  if (!response?.ok) return; // an outage signs nobody out: what is shown stays
  const { user, role } = await response.json();
  part("state").textContent = user ? "Signed in" : "Not signed in";
  part("who").textContent = user ? [user.email, role].filter(Boolean).join(", ") : "Nobody";
  part("sign-in").href = signIn();
  part("sign-in").hidden = Boolean(user);
  part("sign-out").hidden = !user;
  if (!user) part("answer").textContent = "";
}

async function call(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" } });
  if (response.status === 401) location.assign(signIn());
  return response.json();
}

part("call").addEventListener("click", async () => {
  part("answer").textContent = JSON.stringify(await call("/api/me"), null, 2);
});
document.addEventListener("visibilitychange", () => document.hidden || show());
show();
