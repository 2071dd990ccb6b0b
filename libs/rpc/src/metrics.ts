import { histogram, type Registry } from "@fieldlog/runtime";

/** Notes one call: the code it ended with and how long it took. */
export type NoteCall = (method: string, code: string, startedAt: number) => void;

/** `fieldlog_rpc_call_seconds` by side ("server", "client"), service, method and code ("ok" or an RpcCode). */
export function callMetrics(
  registry: Registry | undefined,
  side: "server" | "client",
): (service: string) => NoteCall {
  if (!registry) return () => () => {};
  const seconds = histogram(registry, {
    name: "fieldlog_rpc_call_seconds",
    help: "Internal calls by the code that they ended with.",
    labelNames: ["side", "service", "method", "code"],
  });
  return (service) => (method, code, startedAt) =>
    seconds.observe({ side, service, method, code }, (performance.now() - startedAt) / 1000);
}
