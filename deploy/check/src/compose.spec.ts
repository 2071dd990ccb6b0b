import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkCompose } from "./compose.js";
import { parseDocuments, readEnvFile } from "./documents.js";
import { ourCode, root } from "./repository.fixture.js";

const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
const variables = readEnvFile(join(root, ".env.example"));
const doors = ["edge-http-tls", "edge-mqtt-tls", "edge-websocket-tls"];

/** docker-compose.yml, changed. */
function problemsWith(from: string, to: string): string[] {
  const changed = text.replace(from, () => to);
  if (from !== "" && changed === text) throw new Error(`docker-compose.yml has no ${from}`);
  const [file = {}] = parseDocuments(changed, "docker-compose.yml");
  return checkCompose(file, changed, {
    ...{ code: ourCode(), variables, image: { FIELDLOG_BIND: "0.0.0.0", FIELDLOG_OPS_PORT: "9200" } },
    scraped: { names: [...ourCode().services, ...doors], port: 9200 },
  }).problems;
}

describe("docker-compose.yml", () => {
  it("is right", () => {
    expect(problemsWith("", "")).toEqual([]);
  });

  it.each([
    [
      "what the specification does not know",
      "stop_signal: SIGINT",
      "stop_singal: SIGINT",
      "must NOT have additional properties",
    ],
    [
      "a setting that is none",
      "FIELDLOG_WEBHOOK_ALLOW: $",
      "FIELDLOG_WEBHOOK_ALOW: $",
      "did you mean FIELDLOG_WEBHOOK_ALLOW",
    ],
    [
      "settings that contradict",
      "      FIELDLOG_TLS_KEY: *certificate\n",
      "",
      "FIELDLOG_TLS_KEY go together",
    ],
    [
      "an address of nobody",
      "FIELDLOG_OFFERS_GRPC: offers:9106",
      "FIELDLOG_OFFERS_GRPC: offer:9106",
      "there is no such service",
    ],
    [
      "a port that nobody listens on",
      '{FIELDLOG_WS_PORT:-8081}"]',
      '{FIELDLOG_HTTPS_PORT:-8443}"]',
      "port 8443 is published",
    ],
    ["an image without a version", "nats:2.10-alpine", "nats", "nats: its image has no version"],
    [
      "an image of another service",
      "fieldlog/offers:",
      "fieldlog/devices:",
      "the image of offers is called fieldlog/devices",
    ],
    [
      "a variable that .env.example lacks",
      `\${FIELDLOG_LOG_LEVEL:-}`,
      `\${FIELDLOG_LOGLEVEL:-}`,
      `\${FIELDLOG_LOGLEVEL} is not in .env.example`,
    ],
    ["a service that is not there", "SERVICE: liveness", "SERVICE: simulator", "there is no liveness"],
  ])("with %s is found wrong", (_, from, to, problem) => {
    expect(problemsWith(from, to).join("\n")).toContain(problem);
  });
});
