import { Agent, request } from "node:http";
import type { Address } from "../load/orders.js";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** POSTs JSON to the native API. Raises Error for any answer but 2xx. */
export function post(to: Address, key: string, path: string, body: object): Promise<Record<string, unknown>> {
  const text = JSON.stringify(body);
  const headers = {
    ...{ authorization: `Bearer ${key}`, "content-type": "application/json" },
    "content-length": Buffer.byteLength(text),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ ...to, path, method: "POST", agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const { statusCode = 0 } = answer;
        const got = Buffer.concat(chunks).toString();
        if (statusCode < 200 || statusCode > 299)
          reject(new Error(`HTTP ${statusCode}: ${got.slice(0, 200)}`));
        else resolve(got === "" ? {} : JSON.parse(got));
      });
    });
    asked.on("error", reject);
    asked.end(text);
  });
}
