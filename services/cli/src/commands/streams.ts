import { type Command, Option } from "commander";
import type { DeadLetterOfStream, StreamBatch, StreamGroup, StreamMessage } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { table } from "../output/table.js";
import { clean, time } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./values.js";

interface SetOptions extends Scope {
  readonly concatenation?: string;
  readonly batchPattern?: string;
  readonly messagePattern?: string;
  readonly default?: true;
}

interface Which extends Scope {
  readonly limit: number;
  readonly group?: string;
  readonly stream?: string;
  readonly device?: string;
  readonly batch?: string;
  readonly state?: string;
}

/** Streams of messages that devices send. */
export function addStreams(program: Command, world: World): void {
  const streams = program
    .command("streams")
    .description("Where messages of devices' streams go, and what came.")
    .addHelpText(
      "afterAll",
      examples(
        [
          "fieldlog streams set plant press --message-pattern '{sequenceId}' --default",
          "a stream of group plant",
        ],
        ["fieldlog streams batches --stream press --state complete", "what is complete"],
      ),
    );

  streams
    .command("list")
    .description("Groups and their streams.")
    .option(...NAMESPACE)
    .action(async ({ namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ groups: StreamGroup[] }>(`${pathOf(namespace)}/stream-groups`);
      const rows = answer.groups.flatMap((group) =>
        group.streams.map((one) => [
          ...[
            `${clean(group.name)}${group.defaultGroup ? " *" : ""}`,
            `${clean(one.name)}${one.default ? " *" : ""}`,
          ],
          ...[clean(one.concatenation), clean(one.batchPattern, 40), clean(one.messagePattern, 40)],
        ]),
      );
      print(answer, () =>
        rows.length === 0
          ? `There are no streams in namespace ${clean(namespace)}.\n`
          : `${table(["GROUP", "STREAM", "CONCATENATION", "BATCH IDS", "MESSAGE IDS"], rows, paint)}* the default one\n`,
      );
    });

  streams
    .command("set")
    .argument("<group>")
    .argument("<stream>")
    .description("Makes a stream, or changes it; what is not given is as if it was new.")
    .option(...NAMESPACE)
    .addOption(
      new Option("--concatenation <mode>", "how a batch is one file").choices(["none", "plain", "lines"]),
    )
    .option("--batch-pattern <pattern>", "fills in batch ids: {dateTime:yyyy-MM-dd}, {sequenceId}")
    .option("--message-pattern <pattern>", "fills in message ids")
    .option("--default", "where messages of the group go that name no stream")
    .action(async (group: string, stream: string, options: SetOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, concatenation, batchPattern, messagePattern, default: isDefault } = options;
      const body = { concatenation, batchPattern, messagePattern, default: isDefault };
      await api.put(streamPath(namespace, group, stream), body);
      print({ group, stream }, () => `${paint("green", "Set")} stream ${clean(group)}/${clean(stream)}.\n`);
    });

  streams
    .command("remove")
    .argument("<group>")
    .argument("<stream>")
    .description("Removes a stream; what it holds stays.")
    .option(...NAMESPACE)
    .action(async (group: string, stream: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(streamPath(namespace, group, stream));
      print(
        { group, stream },
        () => `${paint("green", "Removed")} stream ${clean(group)}/${clean(stream)}.\n`,
      );
    });

  which(streams.command("batches"))
    .description("Batches, the newest first.")
    .addOption(new Option("--state <state>", "only those").choices(["open", "complete"]))
    .action(async ({ namespace, ...query }: Which, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ batches: StreamBatch[] }>(`${pathOf(namespace)}/streams/batches`, query);
      const rows = answer.batches.map((batch) => [
        ...[
          String(batch.number),
          clean(batch.group),
          clean(batch.stream),
          clean(batch.device),
          clean(batch.id, 40),
        ],
        ...[clean(batch.state), String(batch.messages), String(batch.bytes), time(batch.begunAt)],
      ]);
      const head = ["NUMBER", "GROUP", "STREAM", "DEVICE", "BATCH", "STATE", "MESSAGES", "BYTES", "BEGUN"];
      print(answer, () => (rows.length === 0 ? "There are none.\n" : table(head, rows, paint)));
    });

  which(streams.command("messages"))
    .description("Messages, in the order in which they came.")
    .option("--batch <id>", "only of this batch")
    .action(async ({ namespace, ...query }: Which, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ messages: StreamMessage[] }>(
        `${pathOf(namespace)}/streams/messages`,
        query,
      );
      const rows = answer.messages.map((message) => [
        ...[String(message.position), clean(message.path), String(message.bytes), time(message.receivedAt)],
      ]);
      print(answer, () =>
        rows.length === 0
          ? "There are none.\n"
          : table(["POSITION", "PATH", "BYTES", "RECEIVED"], rows, paint),
      );
    });

  streams
    .command("dead-letters")
    .description("What could not be put into a stream, and why.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .action(async ({ namespace, limit }: Which, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `${pathOf(namespace)}/streams/dead-letters`;
      const answer = await api.get<{ deadLetters: DeadLetterOfStream[] }>(path, { limit });
      const rows = answer.deadLetters.map((one) => [
        ...[
          String(one.position),
          clean(one.device),
          clean(one.reason),
          clean(one.group ?? ""),
          clean(one.stream ?? ""),
        ],
        ...[String(one.bytes), time(one.receivedAt)],
      ]);
      const head = ["POSITION", "DEVICE", "REASON", "GROUP", "STREAM", "BYTES", "RECEIVED"];
      print(answer, () => (rows.length === 0 ? "There are none.\n" : table(head, rows, paint)));
    });
}

function which(command: Command): Command {
  return command
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--group <name>", "only of this group")
    .option("--stream <name>", "only of this stream")
    .option("--device <id>", "only of this device");
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}`;
}

function streamPath(namespace: string, group: string, stream: string): string {
  return `${pathOf(namespace)}/stream-groups/${part(group)}/streams/${part(stream)}`;
}
