// What the kits make of a whole sign-in: users, sessions, pending sign-ins and Set-Cookie lines.

import { operations } from "../interop/authkit.mjs";
import { accessToken, answering, kits, sealedByNode, versionOf } from "../interop/kits.mjs";

const password = "correct-horse-battery-staple-0123";
const config = { redirectUri: "https://app.example.com/callback", cookiePassword: password };
const NODE = "workos-node-10"; // releases before 10 drop the name of a user
const authkit = {
  maker: "@workos/authkit-session",
  version: versionOf("@workos/authkit-session"),
};
const node = { maker: "@workos-inc/node", version: versionOf(NODE) };

const least = { id: "user_1", email: "ada@example.com" };
const full = {
  object: "user",
  ...least,
  email_verified: true,
  first_name: "Ada",
  last_name: "Lovelace",
  name: "Ada Lovelace",
  profile_picture_url: "https://example.com/ada.png",
  last_sign_in_at: "2026-01-01T00:00:00.590Z",
  locale: "en-GB",
  external_id: "ext_1",
  metadata: { team_name: "engines", camelCase: "", "Ключ": "😀 \ud83d \u2028" },
  created_at: "2026-01-01T00:00:00.590Z",
  updated_at: "2026-01-01T00:00:00.590Z",
};
const each = (value) => Object.fromEntries(Object.keys(full).map((name) => [name, value]));
const without = (name) => Object.fromEntries(Object.entries(full).filter(([key]) => key !== name));

const shapes = [
  { name: "full", user: full },
  { name: "least", user: least },
  { name: "all null", user: { ...each(null), ...least } },
  { name: "empty texts", user: { ...each(""), metadata: {}, ...least } },
  { name: "reversed", user: Object.fromEntries(Object.entries(full).reverse()) },
  {
    name: "unknown keys",
    user: { ...full, allow_list: [1], emailVerified: "no", firstName: "Eve" },
  },
  { name: "metadata named like us", user: { ...full, metadata: { first_name: "a", id: "b" } } },
  { name: "nested metadata", user: { ...full, metadata: { a: { b: [null, { c: [] }] } } } },
  ...Object.keys(full)
    .filter((name) => !(name in least))
    .map((name) => ({ name: `without ${name}`, user: without(name) })),
];

const answer = { user: full, access_token: accessToken, refresh_token: "refresh_1" };
const impersonator = { email: "eve@example.com", reason: null };
const answers = [
  { name: "no more than needed", answer: { ...answer, user: least } },
  { name: "no organization", answer: { ...answer, organization_id: null } },
  { name: "method", answer: { ...answer, authentication_method: "GoogleOAuth" } },
  { name: "impersonator", answer: { ...answer, impersonator } },
  {
    name: "everything",
    answer: {
      ...answer,
      organization_id: "org_1",
      authentication_method: "Impersonation",
      impersonator: { ...impersonator, reason: "Zoë's case 😀" },
      oauth_tokens: { access_token: "a", refresh_token: "r", expires_at: 0, scopes: ["s"] },
      sealed_session: null,
      unknown: [1],
    },
  },
];

const valueOf = (line) => line.slice(line.indexOf("=") + 1).split(";")[0];

async function sealedByAuthkit(given) {
  const begun = await operations.beginSignIn({ config });
  const state = valueOf(begun.setCookies[0]);
  const cookies = { [begun.cookieName]: state };
  const call = { config, folder: NODE, answer: given, code: "code_1", state, cookies };
  return valueOf((await operations.finishSignIn(call)).setCookies[0]);
}

// `text` is the JSON in the seal: its keys' order counts.
async function sessions(seal) {
  return Promise.all(
    answers.map(async ({ name, answer: given }) => {
      const sealed = await seal(given);
      const text = JSON.stringify(await kits["@workos/authkit-session"].unseal(sealed, password));
      return { name, answer: given, sealed, text };
    }),
  );
}

const users = () =>
  Promise.all(
    shapes.map(async ({ name, user }) => {
      const workos = answering({ ...answer, user }, NODE);
      const { user: sealed } = await workos.userManagement.authenticateWithCode({ code: "code_1" });
      return { name, user, sealed };
    }),
  );

const signIns = () =>
  Promise.all(
    [
      { name: "nothing", options: {} },
      { name: "path", options: { returnPathname: "/dashboard?a=1#b" } },
      { name: "state", options: { state: "ключ 😀" } },
      { name: "both", options: { returnPathname: "/", state: "" } },
      { name: "redirect", options: { redirectUri: "https://app.example.com/other" } },
    ].map(async ({ name, options }) => {
      const { cookieName, setCookies } = await operations.beginSignIn({ config, options });
      const [line] = setCookies;
      const content = await kits["@workos/authkit-session"].unseal(valueOf(line), password);
      return { name, options, cookieName, line, text: JSON.stringify(content) };
    }),
  );

const http = { redirectUri: "http://localhost:8000/callback" };
const configurations = [
  { name: "https", changes: {} },
  { name: "http", changes: http },
  { name: "domain", changes: { cookieDomain: "example.com" } },
  { name: "strict", changes: { cookieSameSite: "strict" } },
  { name: "none", changes: { cookieSameSite: "none" } },
  { name: "none over http", changes: { ...http, cookieSameSite: "none" } },
  { name: "max age", changes: { cookieMaxAge: 3600 } },
  { name: "name", changes: { cookieName: "__Host-session" } },
];

const cookies = () =>
  Promise.all(
    configurations.map(async ({ name, changes }) => {
      const call = { config: { ...config, ...changes } };
      const { cookieName, setCookies } = await operations.beginSignIn(call);
      const state = valueOf(setCookies[0]);
      return {
        name,
        config: call.config,
        sealed: state,
        session: (await operations.saveSession({ ...call, sealed: state }))[0],
        cleared: (await operations.clearSession(call))[0],
        verifier: setCookies[0],
        verifierName: cookieName,
        clearedVerifier: (await operations.clearVerifier({ ...call, state }))[0],
      };
    }),
  );

export const sessionVectors = async (now) => ({
  "users.json": { ...node, users: await users() },
  "sessions-authkit-session.json": { ...authkit, password, sessions: await sessions(sealedByAuthkit) },
  "sessions-workos-node.json": {
    ...node,
    password,
    sessions: await sessions((given) => sealedByNode(given, password, NODE)),
  },
  "sign-ins.json": { ...authkit, now, password, signIns: await signIns() },
  "set-cookie.json": { ...authkit, configurations: await cookies() },
});
