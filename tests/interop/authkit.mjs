// authkit-session as a web framework's adapter uses it, with cookies as plain header lines.

import {
  AuthService,
  ConfigurationProvider,
  CookieSessionStorage,
  sessionEncryption,
} from "@workos/authkit-session";
import { answering, WORKOS_CLIENTS } from "./kits.mjs";

// A request is an object of cookies by name, percent-encoded as they travel.
class Storage extends CookieSessionStorage {
  async getCookie(cookies, name) {
    return name in cookies ? decodeURIComponent(cookies[name]) : null;
  }
}

// What a user of the kit configures, with the kit's own defaults, and nothing of the environment.
function complete(config) {
  const provider = new ConfigurationProvider();
  provider.configure(
    { clientId: "client_1", apiKey: "sk_test_1", cookiePassword: "-".repeat(32), ...config },
    {},
  );
  return provider.getConfig();
}

export function client(config, folder = "@workos-inc/node") {
  const { apiKey, clientId, apiHostname, apiHttps, apiPort } = complete(config);
  const WorkOS = WORKOS_CLIENTS[folder];
  return new WorkOS(apiKey, { clientId, apiHostname, https: apiHttps, port: apiPort });
}

// With `answer`, WorkOS is not asked: every request of the kit is answered with it.
export function service({ config, folder, answer }) {
  const workos = answer === undefined ? client(config, folder) : answering(answer, folder);
  const full = complete(config);
  return new AuthService(full, new Storage(full), workos, sessionEncryption);
}

const lines = ({ headers = {} }) => [headers["Set-Cookie"] ?? []].flat();

export const operations = {
  async beginSignIn({ options = {}, ...settings }) {
    const begun = await service(settings).createAuthorization(undefined, options);
    return { url: begun.url, cookieName: begun.cookieName, setCookies: lines(begun) };
  },

  async finishSignIn({ code, state, cookies, ...settings }) {
    const done = await service(settings).handleCallback(cookies, undefined, { code, state });
    return {
      setCookies: lines(done),
      returnPathname: done.returnPathname,
      state: done.state,
    };
  },

  // As handleCallback reads a pending sign-in, before it asks WorkOS.
  async openStates({ states, ...settings }) {
    const { core } = service(settings);
    return Promise.all(
      states.map((state) =>
        core.verifyCallbackState({ stateFromUrl: state, cookieValue: state }).then(
          (pending) => ({ pending }),
          (error) => ({ refused: String(error) }),
        ),
      ),
    );
  },

  async clearVerifier({ state, ...settings }) {
    return lines(await service(settings).clearPendingVerifier(undefined, { state }));
  },

  async saveSession({ sealed, ...settings }) {
    return lines(await service(settings).saveSession(undefined, sealed));
  },

  async clearSession(settings) {
    return lines(await service(settings).clearSession(undefined));
  },

  async withAuth({ sealed, ...settings }) {
    return service(settings).withAuth({ "wos-session": sealed });
  },

  async switchOrganization({ sealed, organizationId, ...settings }) {
    const kit = service(settings);
    const session = await kit.getSession({ "wos-session": sealed });
    return (await kit.switchOrganization(session, organizationId)).encryptedSession;
  },
};
