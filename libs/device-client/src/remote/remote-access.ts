import { connect, type Socket } from "node:net";
import type { MethodAnswer } from "../link/methods.js";
import { openWebSocket, type WebSocketStream } from "./web-socket-stream.js";

/** The method by which the platform asks (reference, B6). */
export const REMOTE_ACCESS = "!remote-access";
/** Milliseconds to reach the port, and the platform. */
const PORT_MS = 5_000;
const PLATFORM_MS = 20_000;
/** Tunnels at once. */
const TUNNELS = 16;

/** The ports of this machine that operators may reach. */
export interface AllowedPorts {
  readonly ports: readonly number[];
}

export interface RemoteAccessOptions {
  /** true: all ports; false: none. */
  readonly allowed: boolean | AllowedPorts;
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca: string | undefined;
  /** A tunnel broke off. */
  readonly failed: (error: unknown) => void;
}

interface Asked {
  readonly tunnel: string;
  readonly port: number;
  readonly uri: URL;
}

/** Tunnels from operators to TCP ports of 127.0.0.1, each by a WebSocket of its own. */
export class RemoteAccess {
  /** Those that are there, and those that are about to be. */
  private readonly tunnels = new Map<string, AbortController>();

  constructor(private readonly options: RemoteAccessOptions) {}

  /** The platform asks for a tunnel. Answers when it is there, or why it is not. */
  async asked(payload: unknown): Promise<MethodAnswer> {
    const asked = read(payload);
    if (asked === undefined) return refused(400, "The payload is not what it must be");
    if (!this.allows(asked.port)) return refused(400, `Port ${asked.port} is not open to remote access`);
    if (this.tunnels.has(asked.tunnel)) return refused(409, "That tunnel is there already");
    if (this.tunnels.size >= TUNNELS) return refused(409, `There are ${TUNNELS} tunnels already`);
    const ending = new AbortController();
    this.tunnels.set(asked.tunnel, ending);
    try {
      const { ended } = await this.open(asked, ending.signal);
      void ended.then(() => this.tunnels.delete(asked.tunnel));
      return { status: 200, body: {} };
    } catch (error) {
      this.tunnels.delete(asked.tunnel);
      return refused(500, (error as Error).message);
    }
  }

  /** Ends them all. */
  close(): void {
    for (const ending of this.tunnels.values()) ending.abort();
  }

  private allows(port: number): boolean {
    const { allowed } = this.options;
    return typeof allowed === "boolean" ? allowed : allowed.ports.includes(port);
  }

  /** Resolves when it is there. Rejects with why it cannot be. */
  private async open({ port, uri }: Asked, signal: AbortSignal): Promise<{ ended: Promise<void> }> {
    const local = await reach(port, signal);
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PLATFORM_MS)]);
      const remote = await openWebSocket(uri, { ca: this.options.ca, signal: limit });
      signal.addEventListener("abort", () => remote.destroy(), { once: true });
      return { ended: this.bridge(local, remote) };
    } catch (error) {
      local.destroy();
      throw new Error(`The platform cannot be reached: ${(error as Error).message}`, { cause: error });
    }
  }

  private async bridge(local: Socket, remote: WebSocketStream): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      remote.once("close", () => {
        local.destroySoon();
        resolve();
      });
    });
    remote.on("error", (error) => this.options.failed(error));
    local.on("error", (error) => remote.destroy(error));
    // What it said before still goes.
    local.once("close", () => remote.end(() => remote.destroy()));
    local.pipe(remote).pipe(local);
    await closed;
  }
}

function refused(status: number, detail: string): MethodAnswer {
  return { status, body: { detail } };
}

/** Rejects with the reason. */
async function reach(port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PORT_MS)]);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = () => reject(new Error("no answer in time"));
  limit.addEventListener("abort", stop, { once: true });
  socket.once("connect", resolve).once("error", reject);
  try {
    await promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw new Error(`Port ${port} cannot be reached: ${(error as Error).message}`, { cause: error });
  } finally {
    limit.removeEventListener("abort", stop);
    socket.off("error", reject);
  }
}

/** undefined: it is not as the reference has it. */
function read(payload: unknown): Asked | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { tunnelId, port, tunnelSecureUri } = payload as Record<string, unknown>;
  if (typeof tunnelId !== "string" || tunnelId === "" || tunnelId.length > 100) return undefined;
  if (!Number.isSafeInteger(port) || (port as number) < 1 || (port as number) > 65_535) return undefined;
  if (typeof tunnelSecureUri !== "string" || !URL.canParse(tunnelSecureUri)) return undefined;
  const uri = new URL(tunnelSecureUri);
  if (uri.protocol !== "ws:" && uri.protocol !== "wss:") return undefined;
  return { tunnel: tunnelId, port: port as number, uri };
}
