import type { Aggregates } from "@fieldlog/aggregates";
import { device, hasName } from "../decisions/device.js";
import { fence } from "../decisions/device-decisions.js";
import {
  confirm,
  type DeviceName,
  deviceName,
  deviceNameOf,
  giveBack,
  LONGEST_OWN_NAME,
  mayHave,
  type Reservation,
  release,
  reserve,
} from "../decisions/device-name.js";
import { NameTaken } from "../decisions/refusals.js";

/** Milliseconds that whoever reserved a name has to give it to the device; then others may take it over. */
const ABANDONED_MS = 30_000;

/** The names that devices have for themselves; how two never get one is told in device-name.ts. */
export class DeviceNames {
  constructor(
    private readonly aggregates: Aggregates,
    /** ms since 1970 UTC. */
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Reserves the name for a device that got the one it has at the sequence `namedAt` (0: it has none).
   * Raises NameTaken.
   */
  async reserve(
    namespace: string,
    name: string,
    id: string,
    namedAt: number,
    decidedBy: string,
  ): Promise<void> {
    const aggregate = deviceNameOf(namespace, name);
    const decide = async (state: DeviceName) => {
      const abandoned = await this.abandoned(namespace, name, state, id);
      return reserve(name, id, namedAt, abandoned)(state);
    };
    const { snapshot } = await this.aggregates.transact(deviceName, aggregate, decide, decidedBy);
    if (snapshot.state.phase === "free" || snapshot.state.from === undefined) return;
    const { sequence, from } = snapshot.state;
    const other = { namespace, id: from };
    const fenced = await this.aggregates.transact(device, other, fence(name), decidedBy);
    const next = fenced.result ? giveBack(sequence) : confirm(name, id, sequence);
    await this.aggregates.transact(deviceName, aggregate, next, decidedBy);
    if (fenced.result) throw new NameTaken(name);
  }

  /** Refuses with NameTaken unless the name is reserved for the device. To be asked after its state was read. */
  async check(namespace: string, name: string, id: string, namedAt: number): Promise<void> {
    const { state } = await this.aggregates.current(deviceName, deviceNameOf(namespace, name));
    if (!mayHave(state, id, namedAt)) throw new NameTaken(name);
  }

  /** Of a device that lost it at the sequence `lostAt`; Infinity: it is removed. Without an effect where it is not its own. */
  async release(
    namespace: string,
    name: string,
    id: string,
    lostAt: number,
    decidedBy: string,
  ): Promise<void> {
    if (name.length > LONGEST_OWN_NAME) return;
    await this.aggregates.transact(deviceName, deviceNameOf(namespace, name), release(id, lostAt), decidedBy);
  }

  /** The reservation, if it is another device's that does not have the name, and that nobody is giving it to. */
  private async abandoned(
    namespace: string,
    name: string,
    state: DeviceName,
    id: string,
  ): Promise<Reservation | undefined> {
    if (state.phase === "free" || state.device === id) return undefined;
    const { state: holder } = await this.aggregates.current(device, { namespace, id: state.device });
    if (hasName(holder, name)) return undefined;
    if (state.from !== undefined && state.from !== id) {
      const { state: before } = await this.aggregates.current(device, { namespace, id: state.from });
      if (hasName(before, name)) return undefined;
    }
    const expired = this.now() - state.decidedAt > ABANDONED_MS;
    return expired || holder.phase === "removed" ? state : undefined;
  }
}
