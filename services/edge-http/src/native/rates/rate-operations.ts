import { NAMESPACE, op } from "../operation.js";
import * as schema from "./rate-schemas.js";

/** How often what happens where. */
export const rateOperations = {
  countRates: op({
    ...{ method: "get", path: `${NAMESPACE}/rates`, access: "reader", status: 200, waits: true },
    summary:
      "How many events there were in a window of time, by sensor or geocell, and from how many devices",
    query: schema.RatesQuery,
    answer: schema.Rates,
  }),
} as const;
