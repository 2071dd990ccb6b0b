import { randomBytes } from "node:crypto";
import { readState, StateError, writeState } from "../state-file.js";

/** A sensor as the server knows it. */
export interface Identity {
  readonly id: string;
  /** Its MQTT password. */
  readonly secret: string;
}

interface Contents {
  readonly version: 1;
  readonly user: { readonly name: string; readonly password: string };
  network?: { readonly id: string; readonly name: string };
  /** Milliseconds since the replayed year's begin, with which the replay goes on. */
  replay?: number;
  readonly sensors: Record<string, Identity>;
}

/** What the network must still know after a restart: its user, itself, its sensors' ids and secrets, and where in the year it is. */
export class AirState {
  private constructor(
    private readonly file: string,
    private contents: Contents,
  ) {}

  /** Reads the file, or begins with a new user where there is none. Raises StateError. */
  static async load(file: string): Promise<AirState> {
    const kept = await readState(file);
    return new AirState(file, kept ? checked(file, kept) : nobody());
  }

  get user(): Contents["user"] {
    return this.contents.user;
  }

  get network(): Contents["network"] {
    return this.contents.network;
  }

  set network(network: { readonly id: string; readonly name: string }) {
    this.contents.network = network;
  }

  get replay(): number | undefined {
    return this.contents.replay;
  }

  set replay(ms: number) {
    this.contents.replay = ms;
  }

  sensor(name: string): Identity | undefined {
    return this.contents.sensors[name];
  }

  setSensor(name: string, identity: Identity): void {
    this.contents.sensors[name] = identity;
  }

  /** The server does not know the user any more: all that was made is gone with it. */
  beginAnew(): void {
    this.contents = nobody();
  }

  save(): Promise<void> {
    return writeState(this.file, this.contents);
  }
}

function nobody(): Contents {
  const name = `seattle-air-${randomBytes(4).toString("hex")}`;
  return { version: 1, user: { name, password: randomBytes(24).toString("base64url") }, sensors: {} };
}

function checked(file: string, contents: Partial<Contents>): Contents {
  const { version, user, network, replay, sensors } = contents;
  const texts = [
    user?.name,
    user?.password,
    ...Object.values(sensors ?? {}).flatMap((o) => [o.id, o.secret]),
  ];
  if (network !== undefined) texts.push(network.id, network.name);
  const whole =
    version === 1 && typeof sensors === "object" && texts.every((text) => typeof text === "string");
  if (!whole || (replay !== undefined && !Number.isFinite(replay)))
    throw new StateError(file, "it is incomplete, or of another version");
  return contents as Contents;
}
