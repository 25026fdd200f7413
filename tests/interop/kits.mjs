// The kits that seal sessions, each behind the same two functions: seal and unseal.

import hapi from "@hapi/iron";
import { WorkOS as WorkOS8 } from "@workos-inc/node";
import { sessionEncryption } from "@workos/authkit-session";
import * as ironSession from "iron-session";
import * as webcrypto from "iron-webcrypto";
import { readFileSync } from "node:fs";
import { WorkOS as WorkOS10 } from "workos-node-10";

// The folder that each kit is installed in.
export const WORKOS_CLIENTS = { "@workos-inc/node": WorkOS8, "workos-node-10": WorkOS10 };

export function versionOf(folder) {
  const path = new URL(`node_modules/${folder}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")).version;
}

// A client whose every request is answered with `answer`.
export function answering(answer, folder = "@workos-inc/node") {
  const fetchFn = async () =>
    new Response(JSON.stringify(answer), { headers: { "content-type": "application/json" } });
  return new WORKOS_CLIENTS[folder]("sk_test_1", { clientId: "client_1", fetchFn });
}

const withoutSuffix = (sealed) => sealed.split("~")[0];
const asMap = (password) => (typeof password === "string" ? { 1: password } : password);
const newest = (password) => {
  const map = asMap(password);
  const id = Object.keys(map).sort((a, b) => b - a)[0];
  return { id, secret: map[id] };
};

// iron-session and workos-node answer an unreadable seal with an empty object.
function unlessEmpty(data) {
  if (Object.keys(data).length === 0) throw new Error("refused");
  return data;
}

export const accessToken = `${btoa("{}")}.${btoa('{"org_id":"org_1"}').replaceAll("=", "")}.c2ln`;

// workos-node seals nothing but the answer to a sign-in: a payload travels as a user's metadata.
const answerAround = (payload) => ({
  user: {
    object: "user",
    id: "user_1",
    email: "ada@example.com",
    email_verified: true,
    first_name: null,
    last_name: "Lovelace",
    profile_picture_url: null,
    last_sign_in_at: null,
    created_at: "2026-01-01T00:00:00.000Z",
    updated_at: "2026-01-01T00:00:00.000Z",
    external_id: null,
    metadata: { payload },
  },
  access_token: accessToken,
  refresh_token: "refresh_1",
});

export async function sealedByNode(answer, cookiePassword, folder) {
  const { sealedSession } = await answering(answer, folder).userManagement.authenticateWithCode({
    code: "code_1",
    session: { sealSession: true, cookiePassword },
  });
  return sealedSession;
}

export const kits = {
  "iron-session": {
    seal: (payload, password, ttl) => ironSession.sealData(payload, { password, ttl }),
    unseal: async (sealed, password) =>
      unlessEmpty(await ironSession.unsealData(sealed, { password, ttl: 0 })),
    rotates: true,
    expires: true,
  },
  "@hapi/iron": {
    seal: (payload, password, ttl) =>
      hapi.seal(payload, newest(password), { ...hapi.defaults, ttl: ttl * 1000 }),
    unseal: (sealed, password) =>
      hapi.unseal(withoutSuffix(sealed), asMap(password), hapi.defaults),
    rotates: true,
    expires: true,
  },
  "iron-webcrypto": {
    // A bare password gives a seal with an empty id.
    seal: (payload, password, ttl) =>
      webcrypto.seal(payload, typeof password === "string" ? password : newest(password), {
        ...webcrypto.defaults,
        ttl: ttl * 1000,
      }),
    unseal: (sealed, password) =>
      webcrypto.unseal(
        withoutSuffix(sealed),
        typeof password === "string" ? { 1: password, default: password } : password,
        webcrypto.defaults,
      ),
    rotates: true,
    expires: true,
  },
  "@workos/authkit-session": {
    seal: (payload, password, ttl) => sessionEncryption.sealData(payload, { password, ttl }),
    unseal: (sealed, password) => sessionEncryption.unsealData(sealed, { password }),
    expires: true,
  },
  "@workos-inc/node": {
    seal: (payload, password) => sealedByNode(answerAround(payload), password),
    unseal: async (sealed, password) =>
      unlessEmpty(
        await answering({}).userManagement.getSessionFromCookie({
          sessionData: sealed,
          cookiePassword: password,
        }),
      ),
  },
};

// No current kit writes the format of iron-session 5 and older: iron's seal of the store, "~1".
export const sealedByOldIronSession = async (persistent, password, more = {}) =>
  `${await hapi.seal({ persistent, ...more }, { id: "1", secret: password }, hapi.defaults)}~1`;
