import { once } from "node:events";
import type { HeapProfiler, Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

/** A process whose profiler can be asked, by the protocol of Chrome's DevTools. */
interface Inspector {
  post(method: string, params?: object): Promise<unknown>;
  close(): void;
}

export interface Profiles {
  readonly cpu: Profiler.Profile;
  readonly heap: HeapProfiler.SamplingHeapProfile;
}

const CONNECT_MS = 10_000;
/** A profile of a minute is some megabytes. */
const MOST_BYTES = 512 * 2 ** 20;
/** Bytes of allocation for each that is looked at, in the mean. */
const SAMPLED_BYTES = 64 * 1024;

/** Begins to profile; resolves to what ends it. @param port of its inspector on this machine; undefined: this process */
export async function profiled(port: number | undefined): Promise<() => Promise<Profiles>> {
  const inspector = port === undefined ? ownInspector() : await inspectorAt(port);
  const collected = {
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
  await inspector.post("HeapProfiler.startSampling", { samplingInterval: SAMPLED_BYTES, ...collected });
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.start");
  return async () => {
    const cpu = (await inspector.post("Profiler.stop")) as Profiler.StopReturnType;
    const heap = (await inspector.post("HeapProfiler.stopSampling")) as HeapProfiler.StopSamplingReturnType;
    inspector.close();
    return { cpu: cpu.profile, heap: heap.profile };
  };
}

function ownInspector(): Inspector {
  const session = new Session();
  session.connect();
  return {
    post: (method, params) => session.post(method, params),
    close: () => session.disconnect(),
  };
}

/** Raises Error when nothing answers there within seconds, and when the process ends. */
async function inspectorAt(port: number): Promise<Inspector> {
  const socket = new WebSocket(await addressOf(port), { maxPayload: MOST_BYTES, perMessageDeflate: false });
  await once(socket, "open");
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  socket.on("message", (data) => {
    const { id, result, error } = JSON.parse(String(data));
    if (error) asked.get(id)?.reject(new Error(error.message));
    else asked.get(id)?.resolve(result);
    asked.delete(id);
  });
  socket.on("close", () => {
    for (const each of asked.values()) each.reject(new Error("the process ended while it was profiled"));
  });
  return {
    post: (method, params = {}) => {
      const answer = Promise.withResolvers<unknown>();
      asked.set(++last, answer);
      socket.send(JSON.stringify({ id: last, method, params }));
      return answer.promise;
    },
    close: () => socket.close(),
  };
}

async function addressOf(port: number): Promise<string> {
  const deadline = performance.now() + CONNECT_MS;
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
      if (target) return target.webSocketDebuggerUrl;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(50);
  }
}
