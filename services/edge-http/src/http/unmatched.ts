import { refused } from "../csn/answer.js";
import { refusals } from "../csn/refusal.js";
import type { PlainAnswer } from "./late.js";

const underApi = /^\/(api|json)(\/|\?|$)/;

/** The answer to a request that no route takes, as the CSN reference has it (A3). */
export function unmatched(method: string, url: string): PlainAnswer {
  const [, root] = underApi.exec(url) ?? [];
  if (method === "POST" && root === "api") {
    const { http, body } = refused(refusals.pathNotFound);
    return { status: http, contentType: "application/x-protobuf", body };
  }
  const message = root === undefined ? "404 page not found" : "Invalid request";
  return {
    status: 404,
    contentType: "application/json",
    body: `{"status": "ERR", "message": "${message}"}`,
  };
}
