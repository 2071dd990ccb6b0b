import { op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./installation-schemas.js";

/** What concerns the installation as a whole. */
export const installationOperations = {
  resealInstallation: op({
    ...{ method: "post", path: "/v1/installation/reseal", access: "admin", status: 200 },
    summary:
      "Seals anew, by the installation's key of now, what another one sealed: some of one service's at a time; go on " +
      "with next until it is null. May be asked again at any time",
    query: NoQuery,
    body: schema.Reseal,
    answer: schema.Resealed,
    refusals: { 409: "The services do not seal by the same key" },
  }),
} as const;
