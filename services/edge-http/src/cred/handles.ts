import { ApiKeys } from "./api-keys.js";
import { Clients } from "./clients.js";
import { Events } from "./events.js";
import { LogIn } from "./log-in.js";
import type { CredParts } from "./parts.js";
import type { Handles } from "./request.js";

/** Who carries out which operation. */
export function handlesOf(parts: CredParts): Handles {
  const logIn = new LogIn(parts);
  const events = new Events(parts);
  const clients = new Clients(parts, events);
  const apiKeys = new ApiKeys(parts);
  return {
    logIn: (request) => logIn.logIn(request),
    listEvents: (request) => events.list(request),
    createEvent: (request) => events.create(request),
    showEvent: (request) => events.show(request),
    listClients: (request) => clients.list(request),
    showOwnClient: (request) => clients.showOwn(request),
    showClient: (request) => clients.show(request),
    listClientEvents: (request) => clients.listEvents(request),
    listSubscribedEvents: (request) => clients.listSubscribed(request),
    listApiKeys: (request) => apiKeys.list(request),
    createApiKey: (request) => apiKeys.create(request),
    showApiKey: (request) => apiKeys.show(request),
  };
}
