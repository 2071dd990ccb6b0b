import { execFile } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { defaultCacheDir, environment, obtainMosquitto } from "@fieldlog/servers";
import { connectAsync } from "mqtt";

/** Runs a line in a shell; its output. Raises what the shell ends with. */
export async function inShell(line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-ec", line], { env: environment(env) });
  return stdout;
}

/** Does what a line beginning with mosquitto_pub says: by that program where it can be had, else by an MQTT client of npm. */
export async function publish(line: string): Promise<void> {
  const progress = (message: string) => process.stderr.write(`${message}\n`);
  const mosquitto = await obtainMosquitto({ cacheDir: defaultCacheDir(), progress });
  if (mosquitto) {
    const { command, env } = mosquitto.pub;
    await inShell(line, { ...env, PATH: `${dirname(command)}${delimiter}${environment()["PATH"]}` });
    return;
  }
  const words = (await inShell(`printf '%s\\n' ${line}`)).trimEnd().split("\n");
  const option = (name: string) => words[words.indexOf(name) + 1] ?? "";
  const client = await connectAsync(`mqtt://${option("-h")}:${option("-p")}`, {
    username: option("-u"),
    password: option("-P"),
    reconnectPeriod: 0,
  });
  await client.publishAsync(option("-t"), option("-m"), { qos: Number(option("-q")) as 0 | 1 | 2 });
  await client.endAsync();
}
