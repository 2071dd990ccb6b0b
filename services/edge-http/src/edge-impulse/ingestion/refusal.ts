import { InvalidAcquisition } from "@fieldlog/acquisition";
import { RpcError } from "@fieldlog/rpc";
import { CutOff } from "../../uploads/body.js";
import { Refusal, refusals, refusalOf as studioRefusalOf } from "../studio/refusal.js";

export const ingestionRefusals = {
  /** The status is the original's: 421. */
  missingHeader: (name: string) => new Refusal(421, `The header ${name} is missing.`),
  /** Clients look for these words. */
  duplicate: () => new Refusal(409, "An item with this hash already exists."),
  installationKey: () =>
    new Refusal(401, "The API key you provided is good for all projects. Send one of the project's own."),
  noMultipart: () => new Refusal(400, "The body is no multipart/form-data."),
  noFile: () => new Refusal(400, "There is no file in this body."),
  noDocument: () => new Refusal(400, "There is no acquisition document in this body."),
  tooLarge: (most: number) => new Refusal(413, `This is larger than the ${most} bytes that it may have.`),
  tooMuch: () => new Refusal(503, "Too much is being uploaded at once.", 5),
  disabled: () => new Refusal(423, "The project is disabled.", 60),
  noMethod: () => new Refusal(405, "This takes POST."),
} as const;

/** What was thrown on the way as what the client is told; undefined: nobody is there to be told. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof CutOff) return undefined;
  if (error instanceof InvalidAcquisition) return refusals.invalid(`The document ${error.detail}.`);
  if (error instanceof RpcError && error.code === "already_exists") return ingestionRefusals.duplicate();
  return studioRefusalOf(error) ?? refusals.unforeseen();
}
