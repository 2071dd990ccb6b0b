import { publicMqtt, type Settings } from "@fieldlog/runtime";
import type { Answer, TentaRequest } from "./request.js";

/**
 * A3.1, A3.2: what runs here, and where sensors reach it. Where nobody set a public address, that is where
 * who asks has found this door.
 */
export function describeStatus(settings: Settings, startedAt: number) {
  const { environment, commitSha, branchName, publicUrl, bind, mqttPort } = settings;
  return async ({ host }: Pick<TentaRequest, "host">): Promise<Answer> => ({
    json: {
      environment,
      commit_sha: commitSha,
      branch_name: branchName,
      start_timestamp: startedAt / 1000,
      mqtt_hostname: hostnameOf(settings.publicMqttUrl ?? publicUrl ?? `http://${host}`) ?? bind,
      mqtt_port: publicMqtt(settings)?.port ?? mqttPort,
    },
  });
}

function hostnameOf(url: string): string | undefined {
  return URL.parse(url)?.hostname.replace(/^\[|\]$/g, "") || undefined;
}
