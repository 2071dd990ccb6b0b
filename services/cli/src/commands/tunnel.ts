import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Command, InvalidArgumentError } from "commander";
import { type Api, part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, NAMESPACE } from "../context.js";
import { clean } from "../output/text.js";
import { carry } from "../tunnel/carry.js";
import type { World } from "../world.js";

interface Address {
  readonly host: string;
  readonly port: number;
}

const ANY: Address = { host: "127.0.0.1", port: 0 };

/** `devices tunnel`. */
export function addTunnel(devices: Command, world: World): void {
  devices
    .command("tunnel")
    .argument("<device>", "the device's id")
    .argument("<port>", "TCP port on the device", port)
    .description(
      "Brings a port of a device here, until Ctrl-C. Takes a key with permission admin, and a namespace\n" +
        "whose settings allow it (namespaces settings --remote-access yes).",
    )
    .option(...NAMESPACE)
    .option("--listen <address>", "where it is here; default: any free port", address, ANY)
    .action(
      async (
        device: string,
        port: number,
        options: { namespace: string; listen: Address },
        command: Command,
      ) => {
        const { api, print, paint } = contextOf(command, world);
        const path = `/v1/namespaces/${part(options.namespace)}/devices/${part(device)}/tunnels`;
        const failed = (reason: string) => world.err(`${paint("red", "error:")} ${clean(reason, 200)}\n`);
        const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (local) => {
          void serve(api, path, port, local).catch((error: Error) => failed(error.message));
        });
        const listening = await listen(server, options.listen);
        print({ listening, device, port }, () => {
          const there = `port ${port} of device ${clean(device)}`;
          return `${paint("green", "Listening")} on ${listening} for ${there}; Ctrl-C ends it.\n`;
        });
        await once(server, "close");
      },
    );
}

/** One connection, by a tunnel of its own. Raises CliError. */
async function serve(api: Api, path: string, port: number, local: Socket): Promise<void> {
  local.on("error", () => local.destroy());
  try {
    const { webSocketUrl } = await api.post<{ webSocketUrl: string }>(path, { port });
    await carry(local, webSocketUrl);
  } finally {
    local.destroySoon();
  }
}

async function listen(server: Server, { host, port }: Address): Promise<string> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    throw new CliError(`${host}:${port} cannot be listened on: ${(cause as Error).message}`, { cause });
  }
  const { port: own } = server.address() as AddressInfo;
  return host.includes(":") ? `[${host}]:${own}` : `${host}:${own}`;
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 65_535) {
    throw new InvalidArgumentError("It is a port, from 1 to 65535.");
  }
  return number;
}

function address(text: string): Address {
  const [, host = "127.0.0.1", number = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (number === "" || Number(number) > 65_535) {
    throw new InvalidArgumentError("It is an address such as 127.0.0.1:2222, or a port.");
  }
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(number) };
}
