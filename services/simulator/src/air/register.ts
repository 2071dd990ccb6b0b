import { randomBytes } from "node:crypto";
import { RegistrationRefused } from "../refused.js";
import { ApiError, type TentaApi } from "./api.js";
import { INTERVAL, INTERVAL_S } from "./payloads.js";
import type { Site } from "./sites.js";
import type { AirState, Identity } from "./state.js";

/** What the network calls itself where that name is free. */
const NETWORK = "seattle-air";

/**
 * Sees to it that the user, the network and a sensor for each site are there, those of an earlier run or new
 * ones; a new sensor gets its first configuration. Each is kept in the state before the next is made.
 * Raises RegistrationRefused.
 */
export async function register(
  api: TentaApi,
  state: AirState,
  sites: readonly Site[],
  progress: (line: string) => void,
): Promise<{ network: { id: string; name: string }; sensors: Map<Site, Identity>; known: number }> {
  try {
    await logIn(api, state);
    const network = await networkOf(api, state);
    const there = new Map(
      (await api.sensors(network.id)).map((one) => [one.sensor_name, one.sensor_identifier]),
    );
    const sensors = new Map<Site, Identity>();
    let known = 0;
    for (const site of sites) {
      const kept = state.sensor(site.name);
      const id = there.get(site.name);
      if (kept && kept.id === id) known++;
      else {
        state.setSensor(site.name, await made(api, network.id, site.name, id));
        await state.save();
        progress(`Registered ${sensors.size + 1} of ${sites.length} sensors`);
      }
      sensors.set(site, state.sensor(site.name) as Identity);
    }
    return { network, sensors, known };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new RegistrationRefused(`the network cannot be registered: ${error.message}`);
  }
}

/** As the user of the state, who is made where the server does not know them. */
async function logIn(api: TentaApi, state: AirState): Promise<void> {
  if (state.network) {
    const known = await api.logIn(state.user.name, state.user.password).then(() => true, gone);
    if (known) return;
    state.beginAnew();
  }
  await state.save();
  await api.createUser(state.user.name, state.user.password).catch(async (error: unknown) => {
    // An earlier run made the user and came no further, or this one's answer got lost.
    if (!isTaken(error)) throw error;
    await api.logIn(state.user.name, state.user.password);
  });
}

async function networkOf(api: TentaApi, state: AirState): Promise<{ id: string; name: string }> {
  const network = (await ownNetwork(api)) ?? (await makeNetwork(api));
  state.network = network;
  await state.save();
  return network;
}

async function ownNetwork(api: TentaApi): Promise<{ id: string; name: string } | undefined> {
  const [mine] = await api.networks();
  return mine && { id: mine.network_identifier, name: mine.network_name };
}

/** Where a name is taken, it may be by this one: the answer to an attempt got lost. */
async function makeNetwork(api: TentaApi): Promise<{ id: string; name: string }> {
  const make = async (name: string) => {
    try {
      return { id: await api.createNetwork(name), name };
    } catch (error) {
      const own = isTaken(error) ? await ownNetwork(api) : undefined;
      if (own === undefined) throw error;
      return own;
    }
  };
  return await make(NETWORK).catch((error: unknown) => {
    if (!isTaken(error)) throw error;
    return make(`${NETWORK}-${randomBytes(3).toString("hex")}`);
  });
}

/** A new sensor; where there is one whose secret, or the answer that told it, was lost, that one with a new secret. */
async function made(api: TentaApi, network: string, name: string, id: string | undefined): Promise<Identity> {
  if (id !== undefined) return await renewed(api, network, id);
  const sensor = await api.createSensor(network, name).catch(async (error: unknown) => {
    const known = isTaken(error) && (await api.sensors(network)).find((one) => one.sensor_name === name);
    if (!known) throw error;
    return await renewed(api, network, known.sensor_identifier);
  });
  await api.configure(network, sensor.id, { [INTERVAL]: INTERVAL_S.default });
  return sensor;
}

async function renewed(api: TentaApi, network: string, id: string): Promise<Identity> {
  return { id, secret: await api.rotateSecret(network, id) };
}

function isTaken(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** False for the answer to a user whom the server does not know; others are raised again. */
function gone(error: unknown): false {
  if (error instanceof ApiError && (error.status === 404 || error.status === 401)) return false;
  throw error;
}
