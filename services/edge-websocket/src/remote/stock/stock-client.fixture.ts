import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "@fieldlog/testkit";
import type { StockOrder, StockReport } from "./stock-device.fixture.js";

const PROGRAM = fileURLToPath(new URL("./stock-device.fixture.ts", import.meta.url));

type Report<K extends StockReport["kind"]> = Extract<StockReport, { kind: K }>;

/** The smallest thing that is a JPEG: where it begins, and where it ends. */
export const PICTURE = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xd9]);

/** A stock client in a process of its own. */
export class StockClient {
  readonly reports: StockReport[] = [];
  exited: number | null | undefined;
  /** What it printed when something in it was not caught. */
  stderr = "";

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    child.on("message", (message) => this.reports.push(message as StockReport));
    child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    child.once("exit", (code) => {
      this.exited = code;
    });
  }

  static async start(
    order: Partial<StockOrder> & Pick<StockOrder, "release" | "apiKey">,
  ): Promise<StockClient> {
    const folder = await mkdtemp(join(tmpdir(), "fieldlog-stock-"));
    const whole: StockOrder = {
      ...{ inference: false, byToken: false, deviceId: `stock-${order.release}`, folder },
      sensors: [
        { name: "Camera (320x240)", frequencies: [], maxSampleLengthS: 60_000 },
        { name: "Microphone", frequencies: [16_000], maxSampleLengthS: 3_600 },
      ],
      ...{ picture: PICTURE.toString("base64"), ...order },
    };
    const env = { PATH: process.env["PATH"], STOCK_ORDER: JSON.stringify(whole) };
    const child = fork(PROGRAM, { env, execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
    return new StockClient(child, folder);
  }

  /** All of a kind, in order. */
  of<K extends StockReport["kind"]>(kind: K): Report<K>[] {
    return this.reports.filter((each): each is Report<K> => each.kind === kind);
  }

  /** Once it has said that. Raises Error with what it printed, if it ended instead. */
  async said(text: string): Promise<void> {
    await until(`the client says "${text}"`, () => {
      return this.running()
        .of("said")
        .some((each) => each.text.includes(text));
    });
  }

  /** The first of a kind, once there is one. Raises Error with what it printed, if it ended instead. */
  reported<K extends StockReport["kind"]>(kind: K): Promise<Report<K>> {
    return until(`the client reports "${kind}"`, () => this.running().of(kind)[0]);
  }

  /** Of inference: what its model sees next; or its summary. */
  tell(record: object): void {
    this.child.send(record);
  }

  private running(): this {
    if (this.exited !== undefined) throw new Error(`ended with ${this.exited}: ${this.stderr}`);
    return this;
  }

  async stop(): Promise<void> {
    if (this.exited === undefined) {
      const gone = once(this.child, "exit");
      this.child.kill("SIGKILL");
      await gone;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
