import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Position, subscriptions } from "@fieldlog/contracts";
import { type CursorRecord, type CursorRecords, isConnected } from "@fieldlog/fan-out";
import type { Row } from "../service/namespace-rows.js";
import { eachOf } from "./each-of.js";
import type { Lag, Lags } from "./lags.js";

export type Status = MessageInitShape<typeof subscriptions.SubscriptionStatusSchema>;

const AT_ONCE = 64;

/** How subscriptions go, as their cursors' records and the log say. */
export class Statuses {
  constructor(
    private readonly records: Pick<CursorRecords, "get">,
    private readonly lags: Lags,
    private readonly now: () => number,
  ) {}

  /** Of subscriptions of one namespace, in their order. Raises LogUnavailable. */
  async of(namespace: string, rows: readonly Row[]): Promise<Status[]> {
    const records = await eachOf(rows, AT_ONCE, ({ id }) => this.records.get(namespace, id));
    const positions = rows.map(({ state }, index) => records[index]?.position ?? state.after);
    const lags = await this.lags.of(
      namespace,
      positions.map((position) => position ?? 0),
    );
    return rows.map((_, index) => statusOf(records[index], positions[index], lags[index] as Lag, this.now()));
  }
}

function statusOf(
  record: CursorRecord | undefined,
  position: Position | undefined,
  lag: Lag,
  now: number,
): Status {
  const place = position === undefined ? {} : { position: BigInt(position) };
  const behind = { lagEvents: lag.events, lagS: lag.seconds };
  if (record === undefined) return { ...place, ...behind };
  const { lastDeliveryAt, failingSince, nextAttemptAt } = record;
  return {
    ...{ connected: isConnected(record, now), ...place, ...behind },
    ...{ delivered: BigInt(record.delivered), failures: record.failures, lastError: record.lastError ?? "" },
    ...(lastDeliveryAt === undefined ? {} : { lastDeliveryAt: BigInt(lastDeliveryAt) }),
    ...(failingSince === undefined ? {} : { failingSince: BigInt(failingSince) }),
    ...(nextAttemptAt === undefined ? {} : { nextAttemptAt: BigInt(nextAttemptAt) }),
  };
}
