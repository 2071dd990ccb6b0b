import type { IncomingMessage } from "node:http";
import { corsHeaders } from "../cred/cors.js";
import { CRED_PATH } from "../cred/operations.js";
import { refusalBody as credRefusalBody, refusals as credRefusals } from "../cred/refusal.js";
import { refused } from "../csn/answer.js";
import { refusals } from "../csn/refusal.js";
import { TENTA_PATH } from "../tenta/operations.js";
import { refusalBody, refusals as tentaRefusals } from "../tenta/refusal.js";
import type { PlainAnswer } from "./late.js";

const underApi = /^\/(api|json)(\/|\?|$)/;

/** The answer to a request that no route takes: under cred's and tenta's paths as they have it, else as CSN has it. */
export function unmatched(request: Pick<IncomingMessage, "method" | "url" | "headers">): PlainAnswer {
  const { method, url = "" } = request;
  if (TENTA_PATH.test(url)) {
    return { status: 404, contentType: "application/json", body: refusalBody(tentaRefusals.noPath()) };
  }
  if (CRED_PATH.test(url)) {
    const body = credRefusalBody(credRefusals.noPath());
    return { status: 404, contentType: "application/json", body, headers: corsHeaders(request) };
  }
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
